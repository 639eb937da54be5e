"""Goes on with a sweep: what is done stays, what was interrupted continues, what failed again."""

from __future__ import annotations

import contextlib
import dataclasses
import logging

from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import Job, Plan, read_plan
from cifar_lab.run.record import Run
from cifar_lab.run.status import lock_held
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.ended import Outcome, enter_missing, outcome_of
from cifar_lab.sweeps.page import redraw
from cifar_lab.sweeps.planning import Prepared
from cifar_lab.sweeps.progress import Progress
from cifar_lab.sweeps.supervise import MOST_DEATHS, supervise
from cifar_lab.sweeps.telling import tell_changed_code, tell_end
from cifar_lab.wording import plural

log = logging.getLogger("cifar_lab")


def run_left(folder: SweepFolder, plan: Plan) -> Outcome:
    """Run the jobs of a sweep that are not done, in their order.

    Raises:
        Refusal: another process runs the sweep.
        Interrupted: it was asked to stop; the jobs that ran have saved.
    """
    with lock_held(folder.lock, folder.path):
        enter_missing(folder, plan)
        jobs = [job for job in plan.jobs if _is_to_run(folder, job)]
        done = len(plan.jobs) - len(jobs)
        if done and jobs:
            log.info(
                f"{done} of {plural(len(plan.jobs), 'job is', 'jobs are')} done; going on with the "
                f"other {len(jobs)}"
            )
        if jobs:
            tell_changed_code(folder, plan)
        limited = False
        try:
            if jobs:
                supervise(folder, plan, jobs, Progress(folder, plan, jobs))
            limited = folder.stop.exists()
        finally:
            with contextlib.suppress(OSError):
                folder.stop.unlink(missing_ok=True)
            redraw(folder)
            tell_end(folder, plan)
    ended = outcome_of(folder, plan)
    return dataclasses.replace(ended, left=0) if limited else ended


def same_sweep(folder: SweepFolder, prepared: Prepared) -> Plan:
    """Return the plan in a folder, if it has the jobs of a newly prepared one.

    Raises:
        Refusal: the folder holds another sweep.
    """
    plan = read_plan(folder)
    asked = [(job.overrides, job.values) for job in prepared.plan.jobs]
    if [(job.overrides, job.values) for job in plan.jobs] != asked:
        raise Refusal(
            f"{folder.path} holds a sweep with other jobs; leave out hydra.sweep.dir for a new "
            f"folder, add to it with `cifar-lab extend {folder.path} OVERRIDES`, or continue it "
            f"with `cifar-lab resume {folder.path}`"
        )
    return plan


def _is_to_run(folder: SweepFolder, job: Job) -> bool:
    run = Run(folder.job(job.name))
    if not run.folder.exists():
        return True
    if run.state == "done":
        return False
    deaths = _deaths(run)
    if deaths >= MOST_DEATHS:
        log.warning(
            f"{job.name} is not tried again: its process was killed {deaths} times; continue it "
            f"alone with `cifar-lab resume {run.folder.path}`"
        )
    return deaths < MOST_DEATHS


def _deaths(run: Run) -> int:
    try:
        return run.status.deaths
    except Refusal:
        return 0
