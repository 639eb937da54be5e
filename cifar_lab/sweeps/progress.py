"""Says how a sweep goes: jobs done, failed and left, the best so far, and the time left."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from cifar_lab.results.plan import Job, Plan
from cifar_lab.results.rows import Row, read_rows
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import duration, percent

log = logging.getLogger("cifar_lab")


class Progress:
    """Logs a line for each job that ends.

    Args:
        folder: of the sweep.
        plan: its plan.
        jobs: those that are to run now.
        total: how many there will be; None for just these.
    """

    def __init__(
        self, folder: SweepFolder, plan: Plan, jobs: Sequence[Job], total: int | None = None
    ) -> None:
        self._folder, self._plan = folder, plan
        self._numbers = {job.number for job in jobs}
        self._total = len(jobs) if total is None else total
        self._started = time.monotonic()
        self._stamp = _stamp(folder)
        self._before = dict(read_rows(folder))
        self._ended: dict[int, str] = {}

    def add(self, plan: Plan, jobs: Sequence[Job]) -> None:
        """Count further jobs, of a plan that has grown."""
        self._plan = plan
        self._numbers |= {job.number for job in jobs}

    def update(self) -> None:
        """Look for jobs that have ended since the last call."""
        if _stamp(self._folder) == self._stamp:
            return
        self._stamp = _stamp(self._folder)
        rows = read_rows(self._folder)
        for number, row in rows.items():
            if number in self._numbers and self._before.get(number) != row:
                self._before[number] = row
                self._ended[number] = row.state
                log.info(self._line(row, rows))

    def _line(self, row: Row, rows: dict[int, Row]) -> str:
        states = list(self._ended.values())
        done, failed = states.count("done"), states.count("failed")
        left = self._total - done - failed
        counts = f"{done} of {self._total} done" + (f", {failed} failed" if failed else "")
        parts = [f"{self._plan.jobs[row.number].name}: {_result(row)}", f"{counts}, {left} left"]
        best = _best(rows)
        if best is not None and self._plan.ranked:
            at = self._plan.jobs[best.number].name
            parts.append(f"best so far {at}, validation {percent(best.val_accuracy or 0.0)}")
        if left and done + failed:
            seconds = (time.monotonic() - self._started) / (done + failed) * left
            parts.append(f"about {duration(seconds)} left")
        return "; ".join(parts)


def _result(row: Row) -> str:
    if row.state != "done":
        return f"{row.state}: {row.error}" if row.error else row.state
    if row.val_accuracy is not None:
        pruned = ", pruned" if row.pruned else ""
        return f"validation {percent(row.val_accuracy)}{pruned}"
    return "done" if row.test_accuracy is None else f"test {percent(row.test_accuracy)}"


def _best(rows: dict[int, Row]) -> Row | None:
    ranked = [row for row in rows.values() if row.val_accuracy is not None]
    return max(ranked, key=lambda row: row.val_accuracy or 0.0, default=None)


def _stamp(folder: SweepFolder) -> int:
    """What changes with every row: the size of the file, to which rows are appended."""
    return folder.rows.stat().st_size if folder.rows.is_file() else 0
