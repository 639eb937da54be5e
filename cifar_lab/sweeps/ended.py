"""Which jobs of a sweep have ended, and what is entered of them."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.results.entering import enter
from cifar_lab.results.plan import Job, Plan
from cifar_lab.results.rows import read_rows, row_of
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    Attributes:
        folder: of the sweep; None if it was only planned.
        failed: how many jobs failed.
        left: how many did not run to their end, although nothing kept them from it.
    """

    folder: SweepFolder | None
    failed: int = 0
    left: int = 0


def outcome_of(folder: SweepFolder, plan: Plan) -> Outcome:
    """Count the jobs that failed and those that are left."""
    rows = read_rows(folder)
    failed = sum(row.state == "failed" for row in rows.values())
    done = sum(row.state == "done" for row in rows.values())
    return Outcome(folder, failed, len(plan.jobs) - done - failed)


def has_ended(folder: SweepFolder, job: Job) -> bool:
    """Whether a job has run to its end or failed."""
    run = Run(folder.job(job.name))
    return run.folder.exists() and run.state in ("done", "failed")


def enter_missing(folder: SweepFolder, plan: Plan) -> None:
    """Enter what ended without being entered, as its process died in between."""
    rows = read_rows(folder)
    for job in plan.jobs:
        run = Run(folder.job(job.name))
        if has_ended(folder, job) and (
            job.number not in rows or rows[job.number].state != run.state
        ):
            enter(folder, row_of(job, run))
