"""Runs the jobs of a sweep in a process of their own, and goes on whatever happens to it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.refusal import RunFailed
from cifar_lab.results.entering import enter
from cifar_lab.results.plan import Job, Plan
from cifar_lab.results.rows import row_of
from cifar_lab.run.record import Run
from cifar_lab.run.status import is_locked, record_death
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.frozen import claimed
from cifar_lab.sweeps.page import Redrawing
from cifar_lab.sweeps.progress import Progress
from cifar_lab.sweeps.watch import Watch, running

log = logging.getLogger("cifar_lab")

#: The module that runs the launcher.
CARRIER = "cifar_lab.sweeps.carrier"
#: How often the jobs are looked after.
EVERY_SECONDS = 0.2
#: A job whose process was killed so often is not tried again.
MOST_DEATHS = 2
#: What a job is told whose process died.
KILLED = "its process was killed; most often this is for lack of memory"
TAKEN_ALONG = "interrupted: its process ended together with that of another job"


def supervise(folder: SweepFolder, plan: Plan, jobs: Sequence[Job], progress: Progress) -> None:
    """Run jobs, and start their launcher again where a process was killed.

    Args:
        folder: of the sweep, locked by this process.
        plan: the sweep's plan.
        jobs: those to run, in order.
        progress: is told how it goes.

    Raises:
        Interrupted: the sweep was asked to stop; the jobs that ran have saved.
        RunFailed: the launcher could not be started.
    """
    folder.stop.unlink(missing_ok=True)
    _forget(folder, running(folder))
    deadline = None if plan.max_minutes is None else time.monotonic() + 60 * plan.max_minutes
    drawing = Redrawing(folder)
    with Watch(folder) as watch, StopRequest().listening() as stop:
        left = list(jobs)
        while left and not folder.stop.exists():
            try:
                with stop.deferred(), _carrier(folder, left) as carrier:
                    _look_after(carrier, folder, stop, deadline, progress, drawing)
            finally:
                _settle_deaths(folder, plan, watch)
                progress.update()
            still = [job for job in left if _is_left(folder, job)]
            if len(still) == len(left) and not folder.stop.exists():
                log.error(
                    f"hydra/launcher={plan.launcher} ended with status {carrier.returncode} and "
                    f"ran no job; what it printed is in {folder.log}: {_last_line(folder)}"
                )
                raise RunFailed(f"hydra/launcher={plan.launcher} ran no job")
            left = still


def _is_left(folder: SweepFolder, job: Job) -> bool:
    """Whether a job has yet to run: it did not start, or was taken along by another's death."""
    run = Run(folder.job(job.name))
    return not run.folder.exists() or run.state not in ("done", "failed")


@contextlib.contextmanager
def _carrier(folder: SweepFolder, jobs: Sequence[Job]) -> Iterator[subprocess.Popen[str]]:
    """Start the process in which the launcher runs jobs; it is gone afterwards."""
    with folder.log.open("a") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", CARRIER, str(folder.path.absolute()), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # only this process handles Ctrl-C
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has exited already
        process.stdin.write(json.dumps([job.number for job in jobs]))
        process.stdin.close()
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _look_after(
    carrier: subprocess.Popen[str],
    folder: SweepFolder,
    stop: StopRequest,
    deadline: float | None,
    progress: Progress,
    drawing: Redrawing,
) -> None:
    """Wait until the launcher has ended; pass a request to stop on to the jobs."""
    told: set[int] = set()
    while carrier.poll() is None or _others_run(folder):
        time.sleep(EVERY_SECONDS)
        progress.update()
        if stop.requested is not None:
            folder.stop.touch()
            for pid in set(running(folder).values()) - told - {0}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                told.add(pid)
        elif deadline is not None and time.monotonic() > deadline and not folder.stop.exists():
            log.info("sweep.max_minutes is over: no further job starts")
            folder.stop.touch()
        else:
            drawing.if_due()


def _others_run(folder: SweepFolder) -> bool:
    """Whether jobs still run in processes that are not the launcher's own, as submitit's do."""
    return any(pid and _is_alive(pid) for pid in running(folder).values())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def _settle_deaths(folder: SweepFolder, plan: Plan, watch: Watch) -> None:
    """Record how the jobs ended whose processes are gone, and forget their marks."""
    died = running(folder)
    first = watch.first_to_die(set(died.values()))
    for number, pid in sorted(died.items()):
        job = plan.jobs[number]
        run = claimed(folder, job)
        if run.state not in ("done", "failed", "interrupted") and not is_locked(run.folder):
            killed = (first is None or pid == first) and not folder.stop.exists()
            record_death(run.folder, KILLED if killed else TAKEN_ALONG, killed)
            if killed:
                log.warning(f"{job.name} failed: {KILLED}")
        enter(folder, row_of(job, Run(run.folder)))
    _forget(folder, died)


def _forget(folder: SweepFolder, jobs: dict[int, int]) -> None:
    for number in jobs:
        (folder.running / str(number)).unlink(missing_ok=True)


def _last_line(folder: SweepFolder) -> str:
    lines = folder.log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing"
