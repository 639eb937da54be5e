"""Stops trials of a search that do worse than half of the others did at the same epoch."""

from __future__ import annotations

import contextlib
import statistics

from cifar_lab.engine.hooks import Hooks
from cifar_lab.engine.state import TrainingState
from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import Job, Plan
from cifar_lab.results.rows import PRUNED, Row, read_rows
from cifar_lab.results.trials import reached
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import percent, plural


class Pruning(Hooks):
    """The median rule, decided from the metrics that the other jobs of the search have written.

    After each epoch, the best validation result so far is compared with what the trials that were
    trained to their end had reached after as many epochs. One that ended before keeps its last.
    No database is needed for that, which several processes would have to share.

    Source: D. Golovin et al., Google Vizier (KDD 2017), section 3.2.2; as Optuna's
    ``MedianPruner``, it takes what was reached at the same epoch, not averages up to it.

    Args:
        folder: of the search.
        plan: its plan, with all jobs that run meanwhile.
    """

    def __init__(self, folder: SweepFolder, plan: Plan) -> None:
        assert plan.search is not None, "the plan of a search"
        self._folder, self._plan, self._options = folder, plan, plan.search.options
        self._reached: dict[int, list[float]] = {}

    def reason_to_stop(self, state: TrainingState) -> str | None:
        """Why the trial stops after this epoch; None if it goes on."""
        if state.best is None or state.epoch <= self._options.prune_after_epochs:
            return None
        others = [values[min(state.epoch, len(values)) - 1] for values in self._finished()]
        if len(others) < self._options.prune_after_trials:
            return None
        mine, median = state.best[self._plan.objective], statistics.median(others)
        higher_is_better = self._plan.objective == "val_accuracy"
        if not (mine < median if higher_is_better else mine > median):
            return None
        return PRUNED + self._worse(mine, median, state.epoch, len(others))

    def _worse(self, mine: float, median: float, epoch: int, others: int) -> str:
        trials = f"the median of {plural(others, 'finished trial', 'finished trials')}"
        if self._plan.objective == "val_accuracy":
            what, mine_text, text = "accuracy", percent(mine), f"below {percent(median)}"
        else:
            what, mine_text, text = "loss", f"{mine:.4g}", f"above {median:.4g}"
        return f"the best validation {what} after epoch {epoch} is {mine_text}, {text}, {trials}"

    def _finished(self) -> list[list[float]]:
        """What each trial that was trained to its end had reached after each of its epochs."""
        for number, row in read_rows(self._folder).items():
            if number not in self._reached and _counts(row):
                values = self._values(self._plan.jobs[number])
                if values:
                    self._reached[number] = values
        return list(self._reached.values())

    def _values(self, job: Job) -> list[float]:
        with contextlib.suppress(Refusal, KeyError):  # it was removed, or damaged, since
            return reached(Run(self._folder.job(job.name)).metrics, self._plan.objective)
        return []


def _counts(row: Row) -> bool:
    return row.state == "done" and not row.pruned


def pruning(folder: SweepFolder, plan: Plan) -> list[Hooks]:
    """Return the hooks that a job of a sweep needs to be pruned; none unless a search prunes."""
    prunes = plan.search is not None and plan.search.options.pruner is not None
    return [Pruning(folder, plan)] if prunes else []
