"""An experiment from its parts, with everything that is wrong told at once."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cifar_lab.assembly import parts
from cifar_lab.assembly.attempts import Tried
from cifar_lab.assembly.building import attempted
from cifar_lab.assembly.setup import Setup
from cifar_lab.data.arrays import Dataset
from cifar_lab.data.normalise import Normalise
from cifar_lab.engine.allocator import keep_freed_memory
from cifar_lab.engine.engine import Engine
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.lr_finder import RangeTest
from cifar_lab.engine.plan import Plan
from cifar_lab.engine.precision import dtype_of, resolve_precision
from cifar_lab.engine.seeding import seed_everything
from cifar_lab.nodes import FIND
from cifar_lab.optim.schedules import Schedule
from cifar_lab.refusal import Refusal
from cifar_lab.report.options import ReportOptions

log = logging.getLogger("cifar_lab")


@dataclass(frozen=True)
class Experiment:
    """Everything that a configuration names, built.

    Attributes:
        config: what it was built from, as plain values.
        name: first folder below ``outputs/``.
        seed: of weights, order and augmentation.
        profile_batches: batches to profile, or None.
        measure_work: measure the rate of matrix products during the run.
        dataset: images and splits.
        loaders: batches of each split.
        learner: model and criterion on their device.
        normalise: makes images what the model reads, in float32, for explaining.
        optimizer: over the model's parameters.
        schedule: over the whole run.
        max_lr_found: the schedule's maximum where a range test found it; else None.
        engine: trains, over its plan.
        setup: what it computes in, and what makes it fast.
        lr_finder: how to look for a learning rate.
        report: what to draw.
        gradcam_layers: names of the layers that the report explains; none where none gives a map.
        memory_kept: freed memory stays with the process.
    """

    config: dict[str, Any]
    name: str
    seed: int
    profile_batches: int | None
    measure_work: bool
    dataset: Dataset
    loaders: Loaders
    learner: Learner
    normalise: Normalise
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    max_lr_found: float | None
    engine: Engine
    setup: Setup
    lr_finder: RangeTest
    report: ReportOptions
    gradcam_layers: tuple[str, ...]
    memory_kept: bool

    @property
    def plan(self) -> Plan:
        """How long and how to train."""
        return self.engine.plan

    @property
    def finds_max_lr(self) -> bool:
        """Whether the schedule's maximum is still to be found, and is 1 until then."""
        return self.config["scheduler"].get("max_lr") == FIND and self.max_lr_found is None

    def with_max_lr(self, found: float) -> Experiment:
        """The experiment with the maximum that was found."""
        steps = self.schedule.steps_per_epoch
        schedule = parts.schedule(self.config["scheduler"], self.plan.epochs, steps, found)
        return dataclasses.replace(self, schedule=schedule, max_lr_found=found)

    def fast_path(self, failure: str | None = None) -> dict[str, str]:
        """What makes this run fast, each piece with how it stands and, where it is off, why.

        Args:
            failure: why steps could not be captured, once that is known.
        """
        setup = self.setup
        why_eager = self.engine.why_not_captured(self.learner.device) or failure
        fused = bool(self.optimizer.param_groups[0].get("fused"))
        return {
            "images": self.loaders.train.pixels.described,
            "augmentation": self.loaders.train.augmentation,
            "memory format": "channels last" if setup.channels_last else "contiguous",
            "precision": self.learner.precision,
            "optimizer": "fused" if fused else "not fused",
            "step": "a CUDA graph" if why_eager is None else f"eager: {why_eager}",
            "compiled": "yes" if self.plan.compile else "no",
            "checkpoints": "in the background" if setup.background_checkpoints else "in line",
            "freed memory": "kept" if self.memory_kept else "as the system does",
        }


def experiment(config: dict[str, Any], tried: Tried | None = None) -> Experiment:
    """Builds a configuration that was checked.

    Args:
        config: as plain values.
        tried: what :func:`problems` built of it, and is used again.

    Raises:
        Refusal: what cannot be built, all of it at once.
    """
    attempts = attempted(config, Tried() if tried is None else tried)
    if attempts.problems:
        raise Refusal(attempts.problems)
    built = attempts.parts
    engine, setup = built["trainer"]
    dataset, model, device = built["dataset"], built["model"], built["place"]
    memory_kept = setup.keep_freed_memory and device.type == "cpu" and keep_freed_memory()
    precision = resolve_precision(setup.precision, device)
    normalise = parts.normalise(dataset, device, setup.channels_last, dtype_of(precision))
    in_float32 = parts.normalise(dataset, device, setup.channels_last, torch.float32)
    parts.initialise(model, dataset, in_float32)
    return Experiment(
        config=config,
        name=config["name"],
        seed=config["seed"],
        profile_batches=config["profile_batches"],
        measure_work=config["measure_work"],
        dataset=dataset,
        loaders=parts.loaders(
            dataset,
            engine,
            setup,
            built["augmentation"],
            normalise,
            built["mixing"],
            config["seed"],
        ),
        learner=Learner(model, built["criterion"], device, precision, setup.test_time_flips),
        normalise=in_float32,
        optimizer=built["optimizer"],
        schedule=built["scheduler"],
        max_lr_found=None,
        engine=engine,
        setup=setup,
        lr_finder=built["lr_finder"],
        report=built["report"],
        gradcam_layers=built["gradcam_layers"],
        memory_kept=memory_kept,
    )


def problems(
    config: dict[str, Any], skip: Collection[str] = (), tried: Tried | None = None
) -> list[str]:
    """What training a configuration would refuse, as building its parts finds it.

    Nothing is decoded or downloaded for that.

    Args:
        config: as plain values.
        skip: groups and root keys that are known to be wrong already.
        tried: what was built before, of this or of other configurations; what is built is kept
            there.
    """
    attempts = attempted(config, Tried() if tried is None else tried, skip, load=False)
    engine, _ = attempts.parts.get("trainer", (None, None))
    return [*attempts.problems, *([] if engine is None else engine.unmet_needs())]


def network(
    config: dict[str, Any], classes: int, size: tuple[int, int], device: torch.device
) -> nn.Module:
    """The network alone, with the seed's weights.

    Args:
        config: of a run, as plain values.
        classes: length of a row of logits.
        size: height and width of the images in pixels.
        device: where it will live.
    """
    node, (_, setup) = config["model"], parts.trainer(config["trainer"])
    seed_everything(config["seed"])
    return parts.model(node, classes, parts.size_for(node, size), setup.channels_last, device)


def readable(config: dict[str, Any], precision: str) -> dict[str, Any]:
    """A run's configuration as it can be built here, to read the run rather than to train it.

    Computes in the recorded precision; on another device where the recorded one is not there,
    and says so.

    Args:
        config: of the run, as plain values.
        precision: that the run computed in.
    """
    device = config["device"]
    try:
        parts.device(device)
    except Refusal:
        log.info(f"device={device} is not there: computing on another, so expect a difference")
        device = "auto"
    trainer = {**config["trainer"], "precision": precision}
    return {**config, "device": device, "trainer": trainer}
