"""Runs a search: each trial becomes a job of a sweep, whose plan grows as results come in."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import time
from collections.abc import Sequence

from cifar_lab.config.compose import Composer
from cifar_lab.config.search_space import SearchSpace, read_search_space
from cifar_lab.config.space import Request, key_of
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import Frozen, Job, Plan
from cifar_lab.results.rows import read_rows
from cifar_lab.results.search import Jobless, Search
from cifar_lab.results.trials import Trial, reached, trials
from cifar_lab.run.files import write_object
from cifar_lab.run.record import Run
from cifar_lab.run.status import lock_held
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.ended import Outcome, enter_missing, has_ended
from cifar_lab.sweeps.further import Further
from cifar_lab.sweeps.page import redraw
from cifar_lab.sweeps.progress import Progress
from cifar_lab.sweeps.search_plan import draft_of, refuse_changed
from cifar_lab.sweeps.study import STARTUP, Study
from cifar_lab.sweeps.supervise import supervise
from cifar_lab.sweeps.telling import tell_changed_code, tell_found
from cifar_lab.sweeps.trusted import keep_plan
from cifar_lab.wording import shortened

log = logging.getLogger("cifar_lab")


def run_search(composer: Composer, folder: SweepFolder, plan: Plan) -> Outcome:
    """Run a search until it has as many trials as were asked for, or go on with one.

    Jobs that were interrupted continue. Trials that have failed stay so: the sampler has learned
    from that, and chooses others.

    Args:
        composer: composes the trials.
        folder: of the search.
        plan: as far as it was planned.

    Raises:
        Refusal: another process runs it, its YAML files have changed, or Optuna is not installed.
        Interrupted: it was asked to stop; the jobs that ran have saved.
    """
    refuse_changed(composer, folder, plan)
    with lock_held(folder.lock, folder.path), StopRequest().listening():
        enter_missing(folder, plan)
        searching = Searching(composer, folder, plan)
        try:
            searching.run()
        finally:
            with contextlib.suppress(OSError):
                folder.stop.unlink(missing_ok=True)
            redraw(folder)
            tell_found(folder, searching.plan)
        return searching.outcome()


class Searching:
    """A search in progress. ``sweep.json`` is written before anything else depends on it.

    Args:
        composer: composes the trials.
        folder: of the search, locked by this process.
        plan: as far as it was planned.
    """

    def __init__(self, composer: Composer, folder: SweepFolder, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        self._further = Further(composer, plan)
        limit, options = plan.max_minutes, self.search.options
        self._deadline = None if limit is None else time.monotonic() + 60 * limit
        self._limited = False
        self._space = _space(composer, self.search)
        maximize = plan.objective == "val_accuracy"
        self._study = Study(plan.id, folder, options, self._space.dimensions, maximize)
        self._study.restore([self._chosen_values(number) for number in range(self.search.chosen)])
        settled = sum(each.state != "running" for each in self._trials())
        self._progress = Progress(folder, plan, (), options.trials - settled)
        if self.search.chosen:
            log.info(f"{settled} of {options.trials} trials have ended; going on with the others")
            tell_changed_code(folder, plan)

    @property
    def search(self) -> Search:
        """The part of the plan that is a search's own."""
        assert self.plan.search is not None, "the plan of a search"
        return self.plan.search

    def run(self) -> None:
        """Run jobs until all trials have ended, or no further job is to start."""
        self._settle()
        while not self._time_is_up() and (jobs := self._left() or self._next_jobs()):
            self._progress.add(self.plan, jobs)
            supervise(self.folder, self._for_the_time_left(), jobs, self._progress)
            self._settle()
            if self.folder.stop.exists():
                self._limited = True
                return

    def outcome(self) -> Outcome:
        """Count what is left; failed trials are results, unless there are no others."""
        states = [each.state for each in self._trials()]
        failed = states.count("failed")
        left = self.search.options.trials - len(states) + states.count("running")
        kept = 0 if self._limited else max(0, left)
        return Outcome(self.folder, failed if failed == len(states) else 0, kept)

    def _left(self) -> list[Job]:
        return [job for job in self.plan.jobs if not has_ended(self.folder, job)]

    def _next_jobs(self) -> list[Job]:
        """Choose trials until one of them is to be trained; none once all have been chosen."""
        jobs: list[Job] = []
        while not jobs and (count := self._at_once()):
            first = self.search.chosen
            for number in range(first, first + count):
                jobs += self._chosen(number)
            self._settle()
        return jobs

    def _at_once(self) -> int:
        """How many trials to choose now: as many as run at once, or as can be chosen blindly."""
        left = self.search.options.trials - self.search.chosen
        if self.search.options.sampler == "random":
            return left
        workers = self.plan.workers or max(1, (os.cpu_count() or 1) // self.plan.threads)
        return min(left, max(workers, STARTUP - self._study.learned))

    def _chosen(self, number: int) -> list[Job]:
        """Choose a trial, and return the job that it becomes, if any."""
        values = self._study.ask(number)
        draft = draft_of(self.search.constant, values)
        same = [job for job in self.plan.jobs if job.overrides == draft.overrides]
        if same:
            self._add_jobless(Jobless(number, values, None, same[0].number))
            return []
        try:
            job, frozen = self._further(self.plan, draft)
        except Refusal as refusal:
            log.warning(f"trial {number} is refused: {shortened(refusal.problems[0], 200)}")
            self._add_jobless(Jobless(number, values, "; ".join(refusal.problems), None))
            return []
        self._add_job(number, job, frozen)
        return [job]

    def _add_job(self, number: int, job: Job, frozen: Frozen) -> None:
        search = dataclasses.replace(self.search, trials=(*self.search.trials, number))
        jobs = (*self.plan.jobs, job)
        self.plan = dataclasses.replace(self.plan, jobs=jobs, search=search)
        keep_plan(self.folder, self.plan, [frozen], None)

    def _add_jobless(self, trial: Jobless) -> None:
        search = dataclasses.replace(self.search, jobless=(*self.search.jobless, trial))
        self.plan = dataclasses.replace(self.plan, search=search)
        keep_plan(self.folder, self.plan, [], None)

    def _chosen_values(self, number: int) -> dict[str, str]:
        """What an earlier trial chose, by key as the space has it."""
        jobless = {each.trial: each.values for each in self.search.jobless}
        if number in jobless:
            return jobless[number]
        values = self.plan.jobs[self.search.trials.index(number)].values
        return {each.key: values[key_of(each.key)] for each in self._space.dimensions}

    def _trials(self) -> list[Trial]:
        return trials(self.plan, read_rows(self.folder))

    def _settle(self) -> None:
        """Tell the study how trials ended, also those that ended when nobody was there to tell."""
        waiting = set(self._study.open)
        ended = [each for each in self._trials() if each.state != "running"]
        for trial in ended:
            if trial.number in waiting:
                self._study.tell(trial, self._reached(trial))
        found = self._study.importances()
        if found is not None:
            write_object(self.folder.importances, found)

    def _reached(self, trial: Trial) -> Sequence[float]:
        if trial.job is None or trial.value is None:
            return ()
        with contextlib.suppress(Refusal, KeyError):
            metrics = Run(self.folder.job(trial.job.name)).metrics
            return reached(metrics, self.plan.objective)
        return ()

    def _time_is_up(self) -> bool:
        over = self._deadline is not None and time.monotonic() > self._deadline
        if over:
            self._limited = True
            log.info("sweep.max_minutes is over: no further job starts")
        return over

    def _for_the_time_left(self) -> Plan:
        if self._deadline is None:
            return self.plan
        minutes = max(0.0, self._deadline - time.monotonic()) / 60
        return dataclasses.replace(self.plan, max_minutes=minutes)


def _space(composer: Composer, search: Search) -> SearchSpace:
    words = [f"{key}={text}" for key, text in search.space.items()]
    return read_search_space(composer, Request(tuple(words)))
