"""The process in which Hydra's launcher runs the jobs of a sweep, as they were frozen.

    python -m cifar_lab.sweeps.carrier FOLDER PARENT

It reads the numbers of the jobs to run as JSON. The sweep's parent starts it again if it dies.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.callbacks import Callbacks
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobRuntime, setup_globals
from hydra.types import HydraContext

from cifar_lab.own_code import beside
from cifar_lab.recipe.leader import end_with
from cifar_lab.results.plan import read_hydra, read_plan
from cifar_lab.run.console import speak
from cifar_lab.run.folder import below_current
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.frozen import JOB, FrozenLoader, with_hydra
from cifar_lab.sweeps.job import Task

#: What launchers say of jobs is said by the sweep.
QUIET = {"version": 1, "root": {"level": "ERROR"}, "disable_existing_loggers": False}
#: Launchers that start all jobs at once, however many there are.
UNLIMITED = ("submitit_local",)


def carry(sweep: Path, numbers: Sequence[int]) -> None:
    """Let the sweep's launcher run jobs; returns when all have ended.

    Args:
        sweep: absolute path of the sweep's folder.
        numbers: of the jobs.
    """
    folder = SweepFolder(below_current(sweep))
    plan = read_plan(folder)
    beside(plan.config_dir, Path(plan.working_directory or ".")).make_importable()
    version.setbase("1.3")
    setup_globals()
    JobRuntime.instance().set("name", "cifar_lab")
    master = with_hydra({}, {**read_hydra(folder), "hydra_logging": QUIET})
    HydraConfig.instance().set_config(master)
    loader: Any = FrozenLoader(sweep)
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(loader, Callbacks()), task_function=Task(sweep), config=master
    )
    at_once = max(1, (os.cpu_count() or 1) // plan.threads)
    step = at_once if plan.launcher in UNLIMITED else len(numbers)
    for start in range(0, len(numbers), step):
        words = [[f"{JOB}{number}"] for number in numbers[start : start + step]]
        launcher.launch(words, initial_job_idx=start)


def main() -> None:
    """Carry the jobs whose numbers come by standard input."""
    sweep, parent = Path(sys.argv[1]), int(sys.argv[2])
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    speak()
    carry(sweep, json.load(sys.stdin))
    sys.stdout.flush()
    os._exit(0)  # nothing is left to do, and pools of workers may take seconds to end


if __name__ == "__main__":
    main()
