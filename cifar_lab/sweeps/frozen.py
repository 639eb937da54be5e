"""Jobs as they were composed when the sweep was planned; YAML edited since changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf

from cifar_lab.config.compose import hydra_texts
from cifar_lab.results.plan import Frozen, Job, read_frozen, read_hydra, read_plan
from cifar_lab.run.claim import claim
from cifar_lab.run.folder import below_current
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder

#: How a launcher is told which job to run.
JOB = "job="


@dataclass(frozen=True)
class FrozenLoader:
    """Stands for Hydra's loader of configurations: returns what was composed before.

    Attributes:
        sweep: absolute path of the sweep's folder.
    """

    sweep: Path

    def load_sweep_config(self, master: DictConfig, overrides: Sequence[str]) -> DictConfig:
        """Return the configuration of the job that the only override names."""
        folder = SweepFolder(below_current(self.sweep))
        (number,) = [int(word.removeprefix(JOB)) for word in overrides if word.startswith(JOB)]
        job, frozen = read_plan(folder).jobs[number], read_frozen(folder, number)
        hydra = OmegaConf.to_container(master.hydra, resolve=False, enum_to_str=True)
        return with_hydra(frozen.config, hydra_of_job(hydra, job, frozen))


def hydra_of_job(hydra: Any, job: Job, frozen: Frozen) -> dict[str, Any]:
    """Return Hydra's node of a job, as plain values.

    Args:
        hydra: that of the sweep.
        job: the job.
        frozen: what it was composed to.
    """
    return {
        **hydra,
        "sweep": {**hydra["sweep"], "subdir": job.name},
        "overrides": {**hydra["overrides"], "task": list(job.overrides)},
        "runtime": {**hydra["runtime"], "choices": frozen.choices},
    }


def with_hydra(config: dict[str, Any], hydra: dict[str, Any]) -> DictConfig:
    """Return a configuration with Hydra's node as Hydra itself would have composed it."""
    node = OmegaConf.structured(HydraConf)
    OmegaConf.set_struct(node, False)
    return OmegaConf.create({**config, "hydra": OmegaConf.merge(node, hydra)})


def claimed(folder: SweepFolder, job: Job) -> Run:
    """Return the run of a job, in its folder, also if its process died before it claimed one."""
    run = Run(folder.job(job.name))
    if run.folder.exists():
        return run
    frozen = read_frozen(folder, job.number)
    config = with_hydra({}, hydra_of_job(read_hydra(folder), job, frozen))
    claim(run.folder, hydra_texts(frozen.config, frozen.written, config.hydra))
    return Run(run.folder)
