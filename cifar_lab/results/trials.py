"""The trials of a search: how each ended, and by how much the best one flatters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cifar_lab.analysis.choice import Validated, is_better
from cifar_lab.analysis.power import optimism
from cifar_lab.results.plan import Job, Plan
from cifar_lab.results.rows import Row
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder

State = Literal["done", "pruned", "failed", "running"]


@dataclass(frozen=True)
class Trial:
    """One trial of a search.

    Attributes:
        number: from 0, in the order in which they were chosen.
        state: a trial is running until its job has ended.
        value: of the objective; None unless it is done or pruned.
        job: whose result this is; None if its configuration was refused.
    """

    number: int
    state: State
    value: float | None
    job: Job | None


def trials(plan: Plan, rows: Mapping[int, Row]) -> list[Trial]:
    """Return all trials that a search has chosen so far, in their order.

    Args:
        plan: of a search.
        rows: the results of its jobs, by their number.
    """
    assert plan.search is not None, "the plan of a search"
    jobs = dict(zip(plan.search.trials, plan.jobs, strict=True))
    for each in plan.search.jobless:
        if each.repeats is not None:
            jobs[each.trial] = plan.jobs[each.repeats]
    refused = {each.trial for each in plan.search.jobless} - jobs.keys()
    return [
        Trial(number, "failed", None, None)
        if number in refused
        else _trial(number, jobs[number], rows.get(jobs[number].number), plan.objective)
        for number in sorted(jobs.keys() | refused)
    ]


def _trial(number: int, job: Job, row: Row | None, objective: str) -> Trial:
    if row is None or row.state not in ("done", "failed"):
        return Trial(number, "running", None, job)
    value = row.objective(objective)
    if value is None or not math.isfinite(value):
        return Trial(number, "failed", None, job)
    return Trial(number, "pruned" if row.pruned else "done", value, job)


def best(found: Sequence[Trial], objective: str) -> Trial | None:
    """Return the best trial that was trained to its end, the earlier of equal ones."""
    sign = 1 if objective == "val_accuracy" else -1
    done = [each for each in found if each.state == "done"]
    return max(done, key=lambda each: sign * (each.value or 0.0), default=None)


def reached(rows: Sequence[Mapping[str, float]], objective: str) -> list[float]:
    """Return what a run would have as its objective if it ended after each of its epochs.

    That is the value of the best epoch so far, which is not always the last one.

    Args:
        rows: of metrics.csv, with validation.
        objective: val_accuracy or val_loss.
    """
    values: list[float] = []
    top: Validated | None = None
    for row in rows:
        each = Validated(row["val_accuracy"], row["val_loss"])
        if top is None or is_better(each, top):
            top = each
        values.append(top.accuracy if objective == "val_accuracy" else top.loss)
    return values


@dataclass(frozen=True)
class Flattery:
    """By how much the best of several trials looks better than it is.

    Attributes:
        trials: from which the best was chosen.
        images: validation images.
        deviation: standard deviation of an accuracy that images of this number have by chance.
        points: the expected optimism if all trials were equally good, 0 to 1.
    """

    trials: int
    images: int
    deviation: float
    points: float


def flattery(folder: SweepFolder, found: Sequence[Trial]) -> Flattery | None:
    """Estimate the optimism of the best trial's validation accuracy; None without one.

    The noise is that of the validation images alone, ``sqrt(p (1 - p) / n)``: what another seed
    would change is unknown in a search, which trains every trial once.

    Args:
        folder: of the search.
        found: its trials; the objective is the validation accuracy.
    """
    top = best(found, "val_accuracy")
    if top is None or top.job is None or top.value is None:
        return None
    validation = Run(folder.job(top.job.name)).summary.validation
    if validation is None or validation.count is None:
        return None
    count = len({each.job.number for each in found if each.job and each.value is not None})
    deviation = math.sqrt(top.value * (1 - top.value) / validation.count)
    return Flattery(count, validation.count, deviation, optimism(deviation, 1, count))
