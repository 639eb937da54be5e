"""Builds an experiment from its parts and reports all problems at once."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cifar_lab.assembly import parts
from cifar_lab.assembly.attempts import Tried
from cifar_lab.assembly.building import attempted
from cifar_lab.assembly.extending import planned
from cifar_lab.assembly.hooks import hooks
from cifar_lab.assembly.precision import chosen
from cifar_lab.assembly.setup import Setup
from cifar_lab.assembly.weights import Fitted
from cifar_lab.data.arrays import Dataset
from cifar_lab.data.normalise import Normalise
from cifar_lab.engine.allocator import keep_freed_memory
from cifar_lab.engine.engine import Engine
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.lr_finder import RangeTest
from cifar_lab.engine.plan import Plan
from cifar_lab.engine.seeding import seed_everything
from cifar_lab.engine.step import freeze
from cifar_lab.hooks.base import Hook
from cifar_lab.nodes import FIND
from cifar_lab.optim.schedules import Schedule, cycles_momentum
from cifar_lab.precision import dtype_of
from cifar_lab.refusal import Refusal
from cifar_lab.report.options import ReportOptions
from cifar_lab.run.provenance import PrecisionProbe
from cifar_lab.run.weights import Weights

log = logging.getLogger("cifar_lab")

#: Why no step is captured where the schedule changes the momentum.
CYCLED = "the momentum is cycled, which a graph would replay as it was captured"


@dataclass(frozen=True)
class Experiment:
    """Everything that a configuration names, built.

    Attributes:
        config: the configuration it was built from, as plain values.
        name: first folder under ``outputs/``.
        seed: seeds weights, data order and augmentation.
        profile_batches: number of batches to profile, or None.
        measure_work: measure the FLOP rate of matrix products during the run.
        dataset: images and splits.
        loaders: batches of each split; none of a test set that stays closed.
        learner: model and criterion on their device.
        normalise: turns images into float32 model input, for explaining predictions.
        optimizer: updates the model's parameters.
        schedule: learning rate over the whole run.
        max_lr_found: the schedule's maximum if a range test found it; else None.
        engine: trains according to its plan.
        setup: precision, batch sizes and speed settings.
        lr_finder: settings of the learning rate search.
        report: what the report shows.
        hooks: what looks on while the run trains, by name.
        gradcam_layers: names of the layers that the report explains; empty if the model declares
            none whose output is a feature map.
        memory_kept: whether the process keeps freed memory.
        precision_probe: the measurement that chose the precision; None if there was none.
        fitted: weights from elsewhere that the model starts from; None for its initial ones.
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
    hooks: Mapping[str, Hook]
    gradcam_layers: tuple[str, ...]
    memory_kept: bool
    precision_probe: PrecisionProbe | None
    fitted: Fitted | None

    @property
    def plan(self) -> Plan:
        """The plan: how long and how to train."""
        return self.engine.plan

    @property
    def finds_max_lr(self) -> bool:
        """Whether the schedule's maximum has yet to be found; until then it is 1."""
        return self.config["scheduler"].get("max_lr") == FIND and self.max_lr_found is None

    def with_max_lr(self, found: float) -> Experiment:
        """Return the experiment with the maximum learning rate that was found."""
        schedule = planned(self.config, self.plan.epochs, self.schedule.steps_per_epoch, found)
        return dataclasses.replace(self, schedule=schedule, max_lr_found=found)

    def fast_path(self, failure: str | None = None) -> dict[str, str]:
        """Return the state of each speed setting and, if it is off, the reason.

        Args:
            failure: why training steps could not be captured, once that is known.
        """
        setup = self.setup
        cycled = CYCLED if cycles_momentum(self.schedule) else None
        why_eager = self.engine.why_not_captured(self.learner.device) or cycled or failure
        fused = bool(self.optimizer.param_groups[0].get("fused"))
        return {
            "images": self.loaders.train.pixels.described,
            "augmentation": self.loaders.train.augmentation,
            "memory format": "channels last" if setup.channels_last else "contiguous",
            "precision": self.learner.precision,
            "optimizer": "fused" if fused else "not fused",
            "step": "a CUDA graph" if why_eager is None else f"eager: {why_eager}",
            "compiled": "yes" if self.plan.compile else "no",
            "checkpoints": "in the background"
            if setup.background_checkpoints
            else "in the training thread",
            "freed memory": "kept" if self.memory_kept else "returned to the system",
        }


def experiment(
    config: dict[str, Any],
    tried: Tried | None = None,
    probe: PrecisionProbe | None = None,
    weights: Weights | None = None,
) -> Experiment:
    """Build the experiment of a checked configuration.

    Args:
        config: as plain values.
        tried: results of :func:`problems` to reuse.
        probe: an earlier measurement for ``precision=auto`` to go by.
        weights: what the model starts from; None for its initial weights, and for a run that is
            opened, whose own are loaded later.

    Raises:
        Refusal: with the problems of all parts that cannot be built.
    """
    attempts = attempted(config, Tried() if tried is None else tried, weights=weights)
    if attempts.problems:
        raise Refusal(attempts.problems)
    built = attempts.parts
    engine, setup = built["trainer"]
    dataset, model, device = built["dataset"], built["model"], built["place"]
    memory_kept = setup.keep_freed_memory and device.type == "cpu" and keep_freed_memory()
    precision, probe = chosen(setup.precision, device, probe)
    normalise = parts.normalise(dataset, device, setup.channels_last, dtype_of(precision))
    in_float32 = parts.normalise(dataset, device, setup.channels_last, torch.float32)
    parts.initialise(model, dataset, in_float32)
    starts: Fitted | None = built.get("weights")
    if starts is not None:
        starts.load(model)  # after what is computed from images, which would replace them
    # Now, and not at the first step, so that range tests train what the run trains.
    freeze(model, engine.plan.freeze_after_epochs, epoch=0)
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
            config["evaluate_test"],
            config["dataset"].get(parts.SAMPLING, "shuffled"),
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
        hooks=hooks(config),
        gradcam_layers=built["gradcam_layers"],
        memory_kept=memory_kept,
        precision_probe=probe,
        fitted=starts,
    )


def problems(
    config: dict[str, Any],
    skip: Collection[str] = (),
    tried: Tried | None = None,
    weights: Weights | None = None,
) -> list[str]:
    """Return the problems found by building the parts of a configuration.

    Decodes and downloads nothing.

    Args:
        config: as plain values.
        skip: groups and root keys that are already known to be wrong.
        tried: earlier results, of this or other configurations, to reuse and add to.
        weights: what the model starts from, if not from its initial weights.
    """
    tried = Tried() if tried is None else tried
    attempts = attempted(config, tried, skip, load=False, weights=weights)
    engine, _ = attempts.parts.get("trainer", (None, None))
    return [*attempts.problems, *([] if engine is None else engine.unmet_needs())]


def network(
    config: dict[str, Any], classes: int, size: tuple[int, int], device: torch.device
) -> nn.Module:
    """Build only the network, with the initial weights of the configured seed.

    Args:
        config: a run's configuration, as plain values.
        classes: number of classes.
        size: height and width of the images in pixels.
        device: the device to put it on.
    """
    node, (_, setup) = config["model"], parts.trainer(config["trainer"])
    seed_everything(config["seed"])
    return parts.model(node, classes, parts.size_for(node, size), setup.channels_last, device)


def readable(config: dict[str, Any], precision: str, device_stated: bool = False) -> dict[str, Any]:
    """Adapt a run's configuration to this machine, for evaluating the run rather than training it.

    Uses the recorded precision. If the run's own device does not exist here, uses a different one
    and logs that.

    Args:
        config: the run's configuration, as plain values.
        precision: the precision that the run used.
        device_stated: whether the device was asked for just now, and not by the run.

    Raises:
        Refusal: a device that was asked for cannot be used.
    """
    device = config["device"]
    try:
        parts.device(device)
    except Refusal:
        if device_stated:
            raise
        log.info(
            f"device={device} does not exist here: computing on a different device, so results may "
            "differ slightly"
        )
        device = "auto"
    trainer = {**config["trainer"], "precision": precision}
    return {**config, "device": device, "trainer": trainer}
