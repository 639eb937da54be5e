"""How the run was trained."""

from __future__ import annotations

from typing import Any

from cifar_lab.report.blocks import Picture, Section, Text
from cifar_lab.report.figures import training as figures
from cifar_lab.report.figures.lr_finder import range_tests
from cifar_lab.report.reading import Reading
from cifar_lab.run.lr_finder import RULE_NAMES, LrFinder, rate
from cifar_lab.wording import plural, several

#: What optimizers call their momentum.
MOMENTA = ("momentum", "betas", "sgd_momentum", "nesterov")


def training(reading: Reading) -> Section:
    """Curves, and the learning rate and momentum as planned and as used."""
    found = reading.run.lr_finder
    return Section(
        "Training",
        [
            _curves(reading),
            _learning_rate(reading),
            *([] if found is None else [_range_tests(found)]),
            Text(momentum(reading.run.config)),
        ],
    )


def momentum(config: dict[str, Any]) -> str:
    """The optimizer's momentum, which no schedule of ours moves."""
    optimizer = config["optimizer"]
    name = str(optimizer["_target_"]).rsplit(".", 1)[-1]
    found = [f"{key} {_words(optimizer[key])}" for key in MOMENTA if key in optimizer]
    if not found:
        return f"The optimizer, {name}, has no momentum."
    return f"The optimizer, {name}, kept {several(found)} throughout, as planned."


def _curves(reading: Reading) -> Picture:
    rows = reading.run.metrics
    splits = [name for name in figures.SPLIT_NAMES if f"{name}_loss" in rows[-1]]
    last = "; ".join(
        f"{figures.SPLIT_NAMES[s]} loss {rows[-1][f'{s}_loss']:.3f} and accuracy "
        f"{rows[-1][f'{s}_accuracy']:.1%}"
        for s in splits
    )
    caption = (
        "Loss and accuracy after each epoch, averaged over images. Training values are gathered "
        "during the epoch, on augmented images and with weights that still change."
    )
    if "test" in splits:
        caption += " The test curve is for looking only: nothing was chosen by it."
    return Picture(
        "curves",
        figures.curves(rows),
        alt=f"Loss and accuracy over {plural(len(rows), 'epoch', 'epochs')}; at the end {last}.",
        caption=caption,
    )


def _learning_rate(reading: Reading) -> Picture:
    planned = reading.planned
    used = [(row["epoch"], row["lr"]) for row in reading.run.metrics]
    return Picture(
        "learning_rate",
        figures.learning_rate(planned, reading.steps_per_epoch, used),
        alt=f"Learning rate from {planned[0]:.3g} over at most {max(planned):.3g} to "
        f"{planned[-1]:.3g} in {plural(len(planned), 'step', 'steps')}.",
        caption="Learning rate as planned, and as recorded with the last step of each epoch.",
    )


def _range_tests(found: LrFinder) -> Picture:
    rule, chosen = RULE_NAMES[found.settings.suggestion], found.chosen
    assert chosen is not None, "without a suggestion nothing was trained"
    seeds = plural(chosen.seeds, "seed", "seeds")
    taken = f"{rate(found.max_lr)}, the median by {rule} over {seeds}"
    return Picture(
        "lr_finder",
        range_tests(found),
        alt=f"Smoothed loss over learning rate; taken is {taken}, which suggest "
        f"{rate(chosen.lowest)} to {rate(chosen.highest)}.",
        caption=f"Range tests before training gave the maximal learning rate: {taken}. Each rule "
        "has its median and its range over the seeds.",
    )


def _words(value: Any) -> str:
    return several([f"{v:g}" for v in value]) if isinstance(value, list) else str(value).lower()
