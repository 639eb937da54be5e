"""An experiment from its parts, with everything that is wrong told at once."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hydra.errors import InstantiationException

from cifar_lab.assembly import parts
from cifar_lab.data.arrays import Dataset
from cifar_lab.data.normalise import Normalise
from cifar_lab.engine.allocator import keep_freed_memory
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.lr_finder import RangeTest
from cifar_lab.engine.precision import dtype_of, resolve_precision
from cifar_lab.engine.trainer import Trainer
from cifar_lab.explain.layers import choose_layers
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
        trainer: how to train.
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
    trainer: Trainer
    lr_finder: RangeTest
    report: ReportOptions
    gradcam_layers: tuple[str, ...]
    memory_kept: bool

    @property
    def finds_max_lr(self) -> bool:
        """Whether the schedule's maximum is still to be found, and is 1 until then."""
        return self.config["scheduler"].get("max_lr") == FIND and self.max_lr_found is None

    def with_max_lr(self, found: float) -> Experiment:
        """The experiment with the maximum that was found."""
        images = len(self.dataset.train_indices)
        schedule = parts.schedule(self.config, self.trainer, images, max_lr=found)
        return dataclasses.replace(self, schedule=schedule, max_lr_found=found)

    def fast_path(self, failure: str | None = None) -> dict[str, str]:
        """What makes this run fast, each piece with how it stands and, where it is off, why.

        Args:
            failure: why steps could not be captured, once that is known.
        """
        device, trainer = self.learner.device, self.trainer
        why_eager = trainer.why_not_captured(device) or failure
        fused = bool(self.optimizer.param_groups[0].get("fused"))
        return {
            "images": self.loaders.train.pixels.described,
            "augmentation": self.loaders.train.augmentation,
            "memory format": "channels last" if trainer.channels_last else "contiguous",
            "precision": self.learner.precision,
            "optimizer": "fused" if fused else "not fused",
            "step": "a CUDA graph" if why_eager is None else f"eager: {why_eager}",
            "compiled": "yes" if trainer.compile else "no",
            "checkpoints": "in the background" if trainer.background_checkpoints else "in line",
            "freed memory": "kept" if self.memory_kept else "as the system does",
        }


def experiment(config: dict[str, Any], tried: dict[str, Any] | None = None) -> Experiment:
    """Builds a configuration that was checked.

    Args:
        config: as plain values.
        tried: parts from :func:`attempt` at the same configuration, used again where the images
            were at hand already.

    Raises:
        Refusal: what cannot be built, all of it at once.
    """
    whole = tried is not None and tried.get("dataset") is not None
    built, problems = (tried, []) if whole else _attempt(config)
    if problems:
        raise Refusal(problems)
    assert built is not None
    trainer, dataset, model = built["trainer"], built["dataset"], built["model"]
    device = built["place"]
    wanted = trainer.keep_freed_memory and device.type == "cpu"
    memory_kept = wanted and keep_freed_memory()
    precision = resolve_precision(trainer.precision, device)
    normalise = parts.normalise(dataset, device, trainer.channels_last, dtype_of(precision))
    in_float32 = parts.normalise(dataset, device, trainer.channels_last, torch.float32)
    parts.initialise(model, dataset, in_float32)
    return Experiment(
        config=config,
        name=config["name"],
        seed=config["seed"],
        profile_batches=config["profile_batches"],
        measure_work=config["measure_work"],
        dataset=dataset,
        loaders=parts.loaders(
            dataset, trainer, built["augmentation"], normalise, built["mixing"], config["seed"]
        ),
        learner=Learner(model, built["criterion"], device, precision, trainer.test_time_flips),
        normalise=in_float32,
        optimizer=built["optimizer"],
        schedule=built["scheduler"],
        max_lr_found=None,
        trainer=trainer,
        lr_finder=built["lr_finder"],
        report=built["report"],
        gradcam_layers=built["gradcam_layers"],
        memory_kept=memory_kept,
    )


def attempt(config: dict[str, Any], skip: Collection[str] = ()) -> tuple[dict[str, Any], list[str]]:
    """Builds what can be built without decoding or downloading images.

    Args:
        config: as plain values.
        skip: groups and root keys that are known to be wrong already.

    Returns:
        The parts by name, and what training the configuration would refuse.
    """
    built, problems = _attempt(config, skip, load=False)
    trainer = built.get("trainer")
    return built, [*problems, *([] if trainer is None else trainer.unmet_needs())]


def problems(config: dict[str, Any], skip: Collection[str] = ()) -> list[str]:
    """What building a configuration would refuse, as :func:`attempt` finds it."""
    return attempt(config, skip)[1]


def readable(config: dict[str, Any], made_with: dict[str, Any]) -> dict[str, Any]:
    """A run's configuration as it can be built here, to read the run rather than to train it.

    Computes in the recorded precision; on another device where the recorded one is not there,
    and says so.

    Args:
        config: of the run, as plain values.
        made_with: the run's provenance.
    """
    device = config["device"]
    try:
        parts.device(device)
    except Refusal:
        log.info(f"device={device} is not there: computing on another, so expect a difference")
        device = "auto"
    trainer = {**config["trainer"], "precision": made_with["precision"]}
    return {**config, "device": device, "trainer": trainer}


def _attempt(
    config: dict[str, Any], skip: Collection[str] = (), load: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """Builds each part whose needs could be met, and says what is wrong with the others.

    Without ``load`` nothing is decoded or downloaded.
    """
    attempts = _Attempts(set(skip))
    named = attempts("device", lambda: parts.device(config["device"]))
    trainer = attempts("trainer", lambda: parts.node(config["trainer"]))
    device = attempts("place", lambda: trainer.place(named), ("trainer", "device"))
    dataset = attempts("dataset", lambda: parts.dataset(config, load))
    attempts("batch", lambda: parts.refuse_large_batch(trainer, dataset), ("trainer", "dataset"))
    # Where there are no images to tell, ten classes of 32×32 let the other parts be checked.
    classes = 10 if dataset is None else len(dataset.class_names)
    images = 50_000 if dataset is None else len(dataset.train_indices)
    mean = np.full(3, 0.5) if dataset is None else dataset.mean
    size = (32, 32) if dataset is None else dataset.image_size
    model = attempts(
        "model", lambda: parts.model(config, classes, size, trainer, device), ("place",)
    )
    rows = images if dataset is None else len(dataset.source.train)
    attempts(
        "augmentation",
        lambda: parts.tried(parts.augmentation(config, mean, rows, size, trainer), size),
    )
    attempts("freezing", lambda: parts.refuse_idle_freezing(trainer, model), ("trainer", "model"))
    attempts("mixing", lambda: parts.node(config["mixing"]))
    attempts("criterion", lambda: parts.node(config["criterion"]))
    attempts("optimizer", lambda: parts.optimizer(config, model, trainer), ("model", "trainer"))
    attempts("scheduler", lambda: parts.schedule(config, trainer, images), ("trainer", "optimizer"))
    attempts("lr_finder", lambda: parts.node(config["lr_finder"]))
    report = attempts("report", lambda: parts.node(config["report"]))
    attempts(
        "gradcam_layers",
        lambda: choose_layers(model, size, report.gradcam_layer),
        ("report", "model"),
    )
    return attempts.parts, attempts.problems


class _Attempts:
    """Collects parts and problems; a part whose needs are wrong is not attempted."""

    def __init__(self, wrong: set[str]) -> None:
        self.parts: dict[str, Any] = {}
        self.problems: list[str] = []
        self._wrong = wrong

    def __call__(self, name: str, make: Callable[[], Any], needs: tuple[str, ...] = ()) -> Any:
        """What ``make`` gave; None where it was not attempted, or failed."""
        if self._wrong & {name, *needs}:
            self._wrong.add(name)
            return None
        try:
            part = make()
        except InstantiationException as error:
            self._note(name, [f"{name}: {error.__cause__ or error}"])
        except Refusal as refusal:
            self._note(name, refusal.problems)
        except (ValueError, TypeError, Warning) as error:
            self._note(name, [f"{name}: {error}"])
        else:
            self.parts.setdefault(name, part)
            return part
        return None

    def _note(self, name: str, problems: list[str]) -> None:
        self._wrong.add(name)
        self.problems += [" ".join(problem.split()) for problem in problems]
