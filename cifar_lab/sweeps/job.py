"""Runs one job of a sweep, in whatever process its launcher chose."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig

from cifar_lab.assembly import Tried
from cifar_lab.config.compose import hydra_texts
from cifar_lab.engine.interrupts import Interrupted, StopRequest
from cifar_lab.own_code import beside
from cifar_lab.recipe.job import run_frozen
from cifar_lab.results.entering import enter
from cifar_lab.results.plan import Job, Plan, read_frozen, read_plan
from cifar_lab.results.rows import row_of
from cifar_lab.run.console import speak
from cifar_lab.run.folder import below_current
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.devices import device_for
from cifar_lab.sweeps.pruning import pruning
from cifar_lab.sweeps.watch import mark

log = logging.getLogger("cifar_lab")

#: What jobs in one process share: the decoded images.
_SHARED = Tried()
SHARED_PARTS = ("dataset",)


@dataclass(frozen=True)
class Task:
    """What a launcher calls for each job; it can be pickled.

    Attributes:
        sweep: absolute path of the sweep's folder.
    """

    sweep: Path

    def __call__(self, _: Any) -> float | None:
        """Run the job whose folder Hydra names; return its objective, None without a result.

        Never raises, so that no job ends another.
        """
        folder = SweepFolder(below_current(self.sweep))
        plan = read_plan(folder)
        place = os.path.relpath(str(HydraConfig.get().runtime.output_dir), self.sweep)
        job = next(job for job in plan.jobs if job.name == place)
        return run(folder, plan, job, HydraConfig.get())


def run(folder: SweepFolder, plan: Plan, job: Job, hydra: Any) -> float | None:
    """Run a job of a sweep, or continue it; enter its result into the leaderboard.

    Args:
        folder: of the sweep.
        plan: the sweep's plan.
        job: the job.
        hydra: Hydra's node of the job.

    Returns:
        The objective; None if it has no result, or no further job is to start.
    """
    if folder.stop.exists():
        return None
    _prepare_process(plan)
    found = Run(folder.job(job.name))
    with _marked(folder, job):
        try:
            _run(folder, plan, job, found, hydra)
        except Interrupted:
            return None
        except BaseException as error:  # whatever a job does, the others go on
            if plan.stop_on_failure:
                folder.stop.touch()
            if not found.folder.exists():
                log.error(f"{job.name}: {type(error).__name__}: {error}")
        row = row_of(job, Run(folder.job(job.name)))
        enter(folder, row)
    return row.objective(plan.objective)


def _run(folder: SweepFolder, plan: Plan, job: Job, found: Run, hydra: Any) -> None:
    frozen = read_frozen(folder, job.number)
    own = beside(plan.config_dir, Path(plan.working_directory or "."))
    own.make_importable()
    try:
        run_frozen(
            frozen,
            found,
            hydra_texts(frozen.config, frozen.written, hydra),
            device=device_for(folder, plan, frozen.config["device"]),
            own=own,
            config_dir=plan.config_dir,
            probe=plan.precision_probe,
            tried=_SHARED,
            listening=StopRequest().listening,
            also=pruning(folder, plan),
        )
    finally:
        _SHARED.keep(SHARED_PARTS)


def _prepare_process(plan: Plan) -> None:
    """Set what every job of the sweep is to find, however its process was started."""
    speak()
    torch.set_num_threads(plan.threads)
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the sweep's parent tells jobs to stop


@contextlib.contextmanager
def _marked(folder: SweepFolder, job: Job) -> Iterator[None]:
    """Note the process inside, so that the sweep's parent knows whose job it was if it dies."""
    marker = mark(folder, job.number)
    try:
        yield
    finally:
        marker.unlink(missing_ok=True)
