"""lr_finder.json: what range tests of the learning rate found."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from cifar_lab.engine.lr_suggestions import Rule, spread, suggestions
from cifar_lab.run.files import Measured
from cifar_lab.wording import aligned

if TYPE_CHECKING:
    from cifar_lab.engine.lr_finder import Curve, RangeTest

#: How each rule is called where people read it.
RULE_NAMES: dict[str, str] = {
    "steepest": "steepest descent",
    "valley": "valley",
    "minimum_over_ten": "minimum / 10",
}


@dataclass(frozen=True)
class Settings:
    """How the tests were made, as :class:`~cifar_lab.engine.lr_finder.RangeTest` has it."""

    start_lr: float
    end_lr: float
    steps: int
    spacing: str
    smoothing: float
    divergence: float
    seeds: int
    suggestion: str


@dataclass(frozen=True)
class Suggested:
    """What one rule suggests over the seeds that have a suggestion by it.

    Attributes:
        median: learning rate.
        lowest: learning rate.
        highest: learning rate.
        seeds: how many have one.
    """

    median: float
    lowest: float
    highest: float
    seeds: int


@dataclass(frozen=True)
class SeedTest:
    """The test of one seed, a value a step.

    Attributes:
        seed: of weights, order and augmentation.
        suggestions: learning rate by rule; None where the curve never falls.
        learning_rates: that the step was taken with.
        losses: mean over the step's images, in nats, before its update.
        smoothed: exponential moving average of the losses.
        ended: why it has fewer steps than it should; None where it has not.
    """

    seed: int
    suggestions: dict[str, float | None]
    learning_rates: tuple[float, ...]
    losses: tuple[Measured, ...]
    smoothed: tuple[float, ...]
    ended: str | None


@dataclass(frozen=True)
class LrFinder:
    """What the tests found.

    Attributes:
        command: repeats the tests; None where a run made them before it trained.
        max_lr: the learning rate to take; None where no seed suggests one.
        override: what takes it on a command line; None likewise.
        settings: how they were made.
        suggestions: over the seeds, by rule; None where no seed has one.
        seeds: the tests, in the order of their seeds.
        device: as torch names it.
        precision: that they computed in.
        finder_seconds: that all of them took.
    """

    command: str | None
    max_lr: float | None
    override: str | None
    settings: Settings
    suggestions: dict[str, Suggested | None]
    seeds: tuple[SeedTest, ...]
    device: str
    precision: str
    finder_seconds: float

    @property
    def chosen(self) -> Suggested | None:
        """What the rule that was to be followed suggests."""
        return self.suggestions[self.settings.suggestion]


def finding(
    test: RangeTest,
    curves: Mapping[int, Curve],
    *,
    device: str,
    precision: str,
    seconds: float,
    command: str | None = None,
) -> LrFinder:
    """The record of range tests.

    Args:
        test: how they were made.
        curves: of each seed.
        device: as torch names it.
        precision: that they computed in.
        seconds: that all of them took.
        command: repeats the tests.
    """
    seeds = tuple(
        SeedTest(
            seed=seed,
            suggestions=dict(suggestions(curve.learning_rates, curve.smoothed).items()),
            learning_rates=tuple(curve.learning_rates),
            losses=tuple(curve.losses),
            smoothed=tuple(curve.smoothed),
            ended=curve.ended,
        )
        for seed, curve in curves.items()
    )
    spreads = {rule: spread([each.suggestions[rule] for each in seeds]) for rule in get_args(Rule)}
    chosen = spreads[test.suggestion]
    # Three digits, as the override has it: what is found and what is pasted is one number.
    max_lr = None if chosen is None else float(f"{chosen.median:.3g}")
    return LrFinder(
        command=command,
        max_lr=max_lr,
        override=None if max_lr is None else f"scheduler.max_lr={max_lr:.3g}",
        settings=Settings(**dataclasses.asdict(test)),
        suggestions={rule: found and Suggested(*found) for rule, found in spreads.items()},
        seeds=seeds,
        device=device,
        precision=precision,
        finder_seconds=seconds,
    )


def table(found: LrFinder) -> str:
    """The suggestions of every seed, their medians and their range, for the terminal."""
    spreads = found.suggestions
    rows = [["seed", *(RULE_NAMES[rule] for rule in spreads)]]
    for each in found.seeds:
        rows.append([str(each.seed), *(rate(each.suggestions[rule]) for rule in spreads)])
    rows.append(["median", *(rate(None if s is None else s.median) for s in spreads.values())])
    rows.append(["from", *(rate(None if s is None else s.lowest) for s in spreads.values())])
    rows.append(["to", *(rate(None if s is None else s.highest) for s in spreads.values())])
    return "\n".join(aligned(rows, right_from=0))


def nothing_found(test: RangeTest) -> str:
    """Why there is no learning rate to take, and what to do."""
    return (
        f"no learning rate was found: between {test.start_lr:g} and {test.end_lr:g} the loss of no "
        f"seed fell so that {RULE_NAMES[test.suggestion]} suggests one; set scheduler.max_lr to a "
        "number, or change lr_finder.start_lr, lr_finder.end_lr, lr_finder.steps or "
        "lr_finder.suggestion"
    )


def rate(learning_rate: float | None) -> str:
    """A learning rate in three digits."""
    return "none" if learning_rate is None else f"{learning_rate:.3g}"
