"""A planned search, and a supervisor that needs no training: each job's result is a formula."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from cifar_lab.config.compose import Composer
from cifar_lab.config.space import Request
from cifar_lab.results.entering import enter
from cifar_lab.results.plan import Asked, Job, Plan, read_plan
from cifar_lab.results.rows import PRUNED, Row
from cifar_lab.results.search import Search, SearchOptions
from cifar_lab.run.files import write_object
from cifar_lab.run.metrics import write_metrics
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.drafts import master
from cifar_lab.sweeps.planning import Prepared
from cifar_lab.sweeps.search_plan import planned_search
from cifar_lab.sweeps.trusted import keep_plan
from tests.made import a_status

SMALL = (
    "hydra/sweeper=search", "dataset=digits", "debug=smoke", "report.enabled=false", "device=cpu",
    "trainer.precision=float32",
)  # fmt: skip
NET = ("model=three_block", "model.widths=[8,8,8]")
LR = "optimizer.lr=tag(log,interval(1e-4,1e-1))"
SPACE = (*NET, LR, "optimizer.nesterov=false,true")


def a_search(*words: str, composer: Composer | None = None) -> tuple[Composer, Prepared]:
    """Plan a search; no trial is chosen, and nothing is written."""
    composer = composer or Composer()
    request = Request((*SMALL, *words))
    asked = Asked(request.overrides, (), ())
    config = master(composer, request)
    plan, _ = planned_search(
        composer, request, config, asked=asked, command="cifar-lab train -m", timing=False
    )
    return composer, plan


def begun(folder: SweepFolder, found: Prepared, **options: object) -> Plan:
    """Write the plan, with other options."""
    search = found.plan.search
    assert search is not None
    search = dataclasses.replace(search, options=dataclasses.replace(search.options, **options))
    plan = dataclasses.replace(found.plan, search=search)
    folder.path.mkdir(parents=True)
    keep_plan(folder, plan, (), found.hydra)
    return read_plan(folder)


def a_plan(count, objective="val_accuracy", after_epochs=1, after_trials=3, pruner="median"):
    """The plan of a search all of whose trials are jobs, without a configuration."""
    jobs = [Job(n, f"job{n}", (), {}, 0, str(n), None) for n in range(count)]
    options = SearchOptions(max(count, 1), "tpe", 0, pruner, after_epochs, after_trials, None)
    return Plan(
        id="0", kind="search", name="it", command="", asked=Asked((), (), ()), config_dir=None,
        working_directory="", keys=("x",), launcher="basic", workers=1, threads=1,
        precision_probe=None, objective=objective, ranked=True, test="closed", test_because="",
        max_minutes=None, stop_on_failure=False, baseline=None, chosen_from=None, extended=0,
        jobs=tuple(jobs), search=Search(options, "", (), {}, tuple(range(count)), ()),
    )  # fmt: skip


class Killed(BaseException):
    """Stands for the death of the process."""


class Supervisor:
    """Runs jobs at once; the accuracy is highest for a learning rate of 0.01.

    Args:
        dies_after: number of jobs after which its process dies; None for never.
        failing: numbers of jobs that fail.
        pruned: numbers of jobs that are pruned.
    """

    def __init__(self, dies_after=None, failing=(), pruned=()):
        self.dies_after, self.failing, self.pruned = dies_after, failing, pruned
        self.ran: list[str] = []
        self.batches: list[int] = []

    def __call__(self, folder: SweepFolder, plan: Plan, jobs: list[Job], progress) -> None:
        self.batches.append(len(jobs))
        for job in jobs:
            if self.dies_after == len(self.ran):
                raise Killed
            self.ran.append(job.name)
            finish(folder, job, job.number in self.failing, job.number in self.pruned)
        progress.update()


def accuracy(job: Job) -> float:
    """The formula."""
    rate = float(job.values.get("optimizer.lr", 0.01))
    return 0.9 - 0.1 * abs(math.log10(rate) + 2) - 0.01 * (job.values.get("optimizer") == "adam")


def finish(folder: SweepFolder, job: Job, failed: bool = False, pruned: bool = False) -> None:
    """Write what a job leaves behind."""
    run = folder.job(job.name)
    run.path.mkdir()
    write_object(run.status, a_status(state="failed" if failed else "done"))
    if failed:
        enter(folder, Row(job.number, "failed", "NonFinite: no", 1))
        return
    value = accuracy(job)
    rows = [{"epoch": n, "val_accuracy": value * n / 3, "val_loss": 1.0} for n in (1, 2, 3)]
    write_metrics(run.metrics, rows[: 1 if pruned else 3])
    stopped = f"{PRUNED}it is worse" if pruned else None
    value = rows[0]["val_accuracy"] if pruned else value
    enter(
        folder,
        Row(job.number, "done", None, 1, value, 1.0, epochs=1 if pruned else 3, stopped=stopped),
    )


def place(path: Path) -> SweepFolder:
    """Return the folder of a search below a temporary one."""
    return SweepFolder(path / "search")
