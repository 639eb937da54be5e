"""lr_finder.json: results of learning-rate range tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from cifar_lab.engine.lr_suggestions import Edge, Rule, at_edge, spread, suggestions
from cifar_lab.run.files import Measured
from cifar_lab.wording import aligned

if TYPE_CHECKING:
    from cifar_lab.engine.lr_finder import Curve, RangeTest

#: Display name of each rule.
RULE_NAMES: dict[str, str] = {
    "steepest": "steepest descent",
    "valley": "valley",
    "minimum_over_ten": "minimum / 10",
}


@dataclass(frozen=True)
class Settings:
    """Settings of the tests, as in :class:`~cifar_lab.engine.lr_finder.RangeTest`."""

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
    """What one rule suggests, over the seeds for which it suggests anything.

    Attributes:
        median: learning rate.
        lowest: learning rate.
        highest: learning rate.
        seeds: number of these seeds.
    """

    median: float
    lowest: float
    highest: float
    seeds: int


@dataclass(frozen=True)
class SeedTest:
    """The test with one seed; sequences have one value per step.

    Attributes:
        seed: of initial weights, shuffling and augmentation.
        suggestions: learning rate by rule; None if the curve never falls.
        learning_rates: of the steps.
        losses: mean over the step's images, in nats, before the update.
        smoothed: exponential moving average of the losses.
        ended: why it ended early; None if it did not.
    """

    seed: int
    suggestions: dict[str, float | None]
    learning_rates: tuple[float, ...]
    losses: tuple[Measured, ...]
    smoothed: tuple[float, ...]
    ended: str | None


@dataclass(frozen=True)
class LrFinder:
    """Results of the tests.

    Attributes:
        command: repeats the tests; None if they were part of a run.
        max_lr: the learning rate to use; None if no seed suggests one.
        override: sets it on a command line; None likewise.
        settings: of the tests.
        suggestions: over the seeds, by rule; None if no seed has one.
        seeds: the tests, in the order of their seeds.
        device: as torch names it.
        precision: of the computation.
        finder_seconds: duration of all tests.
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
        """Suggestion of the configured rule."""
        return self.suggestions[self.settings.suggestion]

    @property
    def edge(self) -> Edge | None:
        """The end of the range that most seeds' suggestions by that rule are at, if any."""
        found = [
            at_edge(
                cast(Rule, self.settings.suggestion),
                each.learning_rates,
                each.smoothed,
                whole=each.ended is None,
            )
            for each in self.seeds
        ]
        edges = [edge for edge in get_args(Edge) if 2 * found.count(edge) > len(found)]
        return edges[0] if edges else None


def finding(
    test: RangeTest,
    curves: Mapping[int, Curve],
    *,
    device: str,
    precision: str,
    seconds: float,
    command: str | None = None,
) -> LrFinder:
    """Summarises range tests.

    Args:
        test: their settings.
        curves: by seed.
        device: as torch names it.
        precision: of the computation.
        seconds: duration of all tests.
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
    # Rounded to three digits as in the override, so that both are the same number.
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
    """Formats the suggestions of every seed, their median and their range for the terminal."""
    spreads = found.suggestions
    rows = [["seed", *(RULE_NAMES[rule] for rule in spreads)]]
    for each in found.seeds:
        rows.append([str(each.seed), *(rate(each.suggestions[rule]) for rule in spreads)])
    rows.append(["median", *(rate(None if s is None else s.median) for s in spreads.values())])
    rows.append(["from", *(rate(None if s is None else s.lowest) for s in spreads.values())])
    rows.append(["to", *(rate(None if s is None else s.highest) for s in spreads.values())])
    return "\n".join(aligned(rows, right_from=0))


def nothing_found(test: RangeTest) -> str:
    """Says that no learning rate was found, and what to do."""
    return (
        f"no learning rate was found: {RULE_NAMES[test.suggestion]} has no suggestion between "
        f"{test.start_lr:g} and {test.end_lr:g} for any seed; set scheduler.max_lr to a number, or "
        "change lr_finder.start_lr, lr_finder.end_lr, lr_finder.steps or lr_finder.suggestion"
    )


def rate(learning_rate: float | None) -> str:
    """Formats a learning rate with three digits."""
    return "none" if learning_rate is None else f"{learning_rate:.3g}"
