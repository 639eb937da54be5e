"""Reads finished runs for a comparison, and groups those of one configuration."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from cifar_lab.refusal import Refusal
from cifar_lab.results.measures import METRICS, Measure
from cifar_lab.results.recorded import experiment_hash
from cifar_lab.results.rows import judged_by
from cifar_lab.run.record import Run

T = TypeVar("T")


class LeftOut(NamedTuple):
    """A run that is not compared, and why."""

    run: Run
    reason: str


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        run: all of its files could be read.
        config: as plain values, with the precision that was used instead of the one that was asked
            for.
        identity: of its configuration, equal for the runs of which mean and deviation are taken.
        seed: of weights, data order and augmentation.
        judged_by: the images and the kind of evaluation that its metric is of, by name.
    """

    run: Run
    config: dict[str, Any]
    identity: str
    seed: int
    judged_by: dict[str, str]


def finished(runs: Sequence[Run]) -> tuple[list[Run], list[LeftOut]]:
    """Tell the runs that have a result from those that have none, each with the reason."""
    return _kept(runs, _finished)


def _finished(run: Run) -> Run:
    run.folder.refuse_links()
    if run.state != "done":
        raise Refusal(f"it is not finished: {run.state}")
    _ = run.summary, run.robustness  # reading them refuses what is damaged
    return run


def metric_of(runs: Sequence[Run], name: str | None) -> Measure:
    """The metric to compare by: as asked for, or the accuracy on the images that all have.

    Args:
        runs: finished runs.
        name: from ``METRICS``; None for the test accuracy if all runs have one, else the validation
            accuracy; if not all have that either, the one that more runs have.

    Raises:
        Refusal: there is no such metric.
    """
    if name is not None and name not in METRICS:
        raise Refusal(f"--metric {name}: must be one of {', '.join(METRICS)}")
    if name is not None:
        return METRICS[name]
    test, validation = METRICS["test_accuracy"], METRICS["val_accuracy"]
    tested, validated = (
        sum(each.value(run) is not None for run in runs) for each in (test, validation)
    )
    return test if tested == len(runs) or tested > validated else validation


def read(runs: Sequence[Run], metric: Measure) -> tuple[list[Finished], list[LeftOut]]:
    """Read finished runs; leave out those without a finite value of the metric."""
    assert metric.split is not None, "a cost is not a metric"
    return _kept(runs, lambda run: _measured(run, metric))


def _measured(run: Run, metric: Measure) -> Finished:
    value = metric.value(run)
    if value is None:
        raise Refusal(f"it has no {metric.label}")
    if not math.isfinite(value):
        raise Refusal(f"its {metric.label} is not finite")
    return _read(run, metric)


def _read(run: Run, metric: Measure) -> Finished:
    assert metric.split is not None
    made, trainer = run.provenance, run.config["trainer"]
    config: dict[str, Any] = {
        **run.config,
        "trainer": {key: value for key, value in trainer.items() if key != "precision"},
        "precision": made.precision,
    }
    identity = f"{experiment_hash(run.config)} {made.precision}"
    return Finished(run, config, identity, made.seed, judged_by(run, metric.split))


def _kept(runs: Sequence[Run], opened: Callable[[Run], T]) -> tuple[list[T], list[LeftOut]]:
    """What was opened, and the runs of which that was refused."""
    kept, left_out = [], []
    for run in runs:
        try:
            kept.append(opened(run))
        except Refusal as refusal:
            left_out.append(LeftOut(run, refusal.problems[0]))
    return kept, left_out


def by_configuration(runs: Sequence[Finished]) -> list[list[Finished]]:
    """Group runs by configuration, in the order of each group's first run."""
    groups: dict[str, list[Finished]] = defaultdict(list)
    for run in runs:
        groups[run.identity].append(run)
    return list(groups.values())


def without_repeats(group: Sequence[Finished]) -> tuple[list[Finished], list[LeftOut]]:
    """Keep the last run of each seed: a repetition adds no knowledge about the spread."""
    last = {each.seed: each for each in group}
    kept = [each for each in group if last[each.seed] is each]
    reason = "another run of the same configuration and seed was given after it"
    return kept, [LeftOut(each.run, reason) for each in group if last[each.seed] is not each]
