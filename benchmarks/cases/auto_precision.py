"""`trainer.precision=auto` against both precisions forced, on whatever processor is at hand."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from benchmarks import ours
from benchmarks.cases.training_step import experiment, random_batches
from benchmarks.measure import (
    Case,
    Different,
    Result,
    Settings,
    arithmetic_mean,
    geometric_mean,
    in_turn,
    timed,
)

FORCED = ("bfloat16", "float32")
#: auto leaves float32 only for a bfloat16 that is more than this many times as fast.
WORTHWHILE = 1.2


def run(settings: Settings, overrides: Sequence[str], batch_size: int) -> Result:
    """Times steps with auto and with both precisions in turn, and asserts that auto chose well.

    Raises:
        Different: the other precision is clearly faster than the one that auto chose.
    """
    batch_size = settings.size(batch_size, 32)
    sides, chosen = {}, ""
    for precision in ("auto", *FORCED):
        built = experiment(settings, overrides, precision, batch_size)
        if precision == "auto":
            chosen = built.learner.precision
        batches = random_batches(settings.size(2, 1), batch_size, built.learner.device)
        fixed = ours.on_fixed_batches(built, batches)
        sides[precision] = timed(functools.partial(ours.fit, fixed))
    rounds = settings.size(8, 2)
    seconds = in_turn(sides, rounds)
    means = {name: arithmetic_mean(times)[0] for name, times in seconds.items()}
    fastest = min(FORCED, key=lambda name: means[name])
    ratios = [a / b for a, b in zip(seconds[fastest], seconds["auto"], strict=True)]
    value, low, high = geometric_mean(ratios)
    refuse_wrong_choice(chosen, fastest, ratios)
    rates = ", ".join(
        f"{name} {batch_size * settings.size(2, 1) / mean:,.0f}" for name, mean in means.items()
    )
    return Result(value, low, high, rounds, seconds["auto"], seconds[fastest]).noted(
        f"images/s: {rates}; auto chose {chosen}"
    )


def refuse_wrong_choice(chosen: str, fastest: str, ratios: Sequence[float]) -> None:
    """Refuses a choice that is slower than its own rule allows, beyond noise.

    Args:
        chosen: the precision that auto chose.
        fastest: the precision that was measured as the faster one.
        ratios: speeds of auto relative to the faster one, of each round.
    """
    _, _, high = geometric_mean(ratios)
    if chosen != fastest and high is not None and high < 1 / WORTHWHILE:
        raise Different(
            f"auto chose {chosen}, with which a step is at most {high:.2f} times as fast as in "
            f"{fastest}"
        )


#: Overrides that choose a network with its optimizer, the batch size, and both in words, by name.
NETWORKS = {
    "resnet18": (["model=resnet18"], 128, "ResNet18, batch 128"),
    "fast90": (
        ["model=three_block", "model.widths=[32,128,128]", "optimizer=muon"],
        500,
        "network of fast90, batch 500",
    ),
}
CASES = [
    Case(
        name=f"auto-{name}",
        what=f"training step, {label}, `trainer.precision=auto`",
        against="the faster of bfloat16 and float32",
        run=functools.partial(run, overrides=overrides, batch_size=batch_size),
        in_bfloat16=True,
    )
    for name, (overrides, batch_size, label) in NETWORKS.items()
]
