"""Builds what a configuration names. The only caller of ``hydra.utils.instantiate``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import nn

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.loaders import Augment, EvalLoader, Normalise, TrainLoader
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.precision import resolve_precision
from cifar_lab.engine.seeding import seed_everything
from cifar_lab.engine.trainer import Loaders, Trainer
from cifar_lab.explain.layers import choose_layer
from cifar_lab.optim.schedules import Schedule
from cifar_lab.refusal import Refusal, in_our_words
from cifar_lab.report.options import ReportOptions


@dataclass(frozen=True)
class Experiment:
    """Everything that a configuration names, built.

    Attributes:
        config: what it was built from, as plain values.
        name: first folder below ``outputs/``.
        seed: of weights, order and augmentation.
        profile_batches: batches to profile, or None.
        dataset: images and splits.
        loaders: batches of each split.
        learner: model and criterion on their device.
        optimizer: over the model's parameters.
        schedule: over the whole run.
        trainer: how to train.
        report: what to draw.
        gradcam_layer: name of the layer that the report explains.
    """

    config: dict[str, Any]
    name: str
    seed: int
    profile_batches: int | None
    dataset: Dataset
    loaders: Loaders
    learner: Learner
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    trainer: Trainer
    report: ReportOptions
    gradcam_layer: str


def experiment(config: dict[str, Any]) -> Experiment:
    """Builds a configuration that was checked.

    Raises:
        Refusal: what cannot be built, all of it at once.
    """
    parts, problems = _attempt(config, skip=())
    if problems:
        raise Refusal(problems)
    trainer, dataset, model = parts["trainer"], parts["dataset"], parts["model"]
    device = parts["device"]
    normalise = Normalise(dataset.mean, dataset.std, device, trainer.channels_last)
    return Experiment(
        config=config,
        name=config["name"],
        seed=config["seed"],
        profile_batches=config["profile_batches"],
        dataset=dataset,
        loaders=_loaders(dataset, trainer, parts["augmentation"], normalise, config["seed"]),
        learner=Learner(
            model, parts["criterion"], device, resolve_precision(trainer.precision, device)
        ),
        optimizer=parts["optimizer"],
        schedule=parts["scheduler"],
        trainer=trainer,
        report=parts["report"],
        gradcam_layer=parts["gradcam_layer"],
    )


def problems(config: dict[str, Any], skip: Collection[str]) -> list[str]:
    """What building a configuration would refuse.

    Args:
        config: as plain values.
        skip: groups and root keys that are known to be wrong already.
    """
    return _attempt(config, skip)[1]


def source(config: dict[str, Any]) -> Any:
    """The data source alone."""
    return instantiate(config["dataset"], _convert_="all")


def augmentation(config: dict[str, Any], mean: NDArray[np.float64]) -> Augment | None:
    """The augmentation stack; None for an empty one.

    Args:
        config: as plain values.
        mean: float64 ``(3,)``, of the training images' pixels / 255, for ``fill: mean``.

    Raises:
        ValueError: albumentations refuses an argument.
    """
    steps = config["augmentation"]["train"]
    if not steps:
        return None
    from cifar_lab.data.augment import Augmenter  # albumentations costs seconds to import

    grey_levels = [round(255 * float(value)) for value in mean]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # albumentations warns of arguments that it then ignores
        built = {name: _step(name, _filled(step, grey_levels)) for name, step in steps.items()}
        return Augmenter(built, config["seed"])


def _attempt(config: dict[str, Any], skip: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """Builds each part whose needs could be met, and says what is wrong with the others."""
    attempts = _Attempts(set(skip))
    device = attempts("device", lambda: _device(config["device"]))
    trainer = attempts("trainer", lambda: _node(config["trainer"]))
    dataset = attempts("dataset", lambda: source(config).load())
    attempts("batch", lambda: _refuse_large_batch(trainer, dataset), ("trainer", "dataset"))
    # Where there are no images to tell, ten classes of 32×32 let the other parts be checked.
    classes = 10 if dataset is None else len(dataset.class_names)
    images = 50_000 if dataset is None else len(dataset.train_indices)
    mean = np.full(3, 0.5) if dataset is None else dataset.mean
    size = (32, 32) if dataset is None else dataset.image_size
    model = attempts(
        "model", lambda: _model(config, classes, trainer, device), ("trainer", "device")
    )
    attempts("augmentation", lambda: augmentation(config, mean))
    attempts("criterion", lambda: _node(config["criterion"]))
    attempts("optimizer", lambda: _node(config["optimizer"], model=model), ("model",))
    attempts("scheduler", lambda: _schedule(config, trainer, images), ("trainer", "optimizer"))
    report = attempts("report", lambda: _node(config["report"]))
    attempts(
        "gradcam_layer",
        lambda: choose_layer(model, size, report.gradcam_layer),
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


def _node(node: Mapping[str, Any], **supplied: Any) -> Any:
    return instantiate(node, _convert_="all", **supplied)


def _step(name: str, step: dict[str, Any]) -> Any:
    try:
        return _node(step)
    except InstantiationException as error:
        path = f"augmentation.train.{name}"
        # albumentations wraps pydantic's errors into text; what they wrap can still be told.
        wrapped = error.__cause__ and error.__cause__.__cause__
        if not isinstance(wrapped, ValidationError):
            raise Refusal(f"{path}: {error.__cause__ or error}") from error
        raise Refusal(
            [
                f"{path}.{'.'.join(map(str, detail['loc']))}={detail['input']}: "
                f"{in_our_words(detail['msg'])}"
                for detail in wrapped.errors()
            ]
        ) from error


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise Refusal(f"device={name}: must be auto, cpu, cuda, or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise Refusal(
            f"device={name} is not there: this machine has {torch.cuda.device_count()} CUDA "
            "devices; set device=cpu or device=auto"
        )
    return device


def _model(
    config: dict[str, Any], classes: int, trainer: Trainer, device: torch.device
) -> nn.Module:
    seed_everything(config["seed"])
    model: nn.Module = _node(config["model"], num_classes=classes)
    memory_format = torch.channels_last if trainer.channels_last else torch.contiguous_format
    return model.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]


def _schedule(config: dict[str, Any], trainer: Trainer, images: int) -> Schedule:
    steps = trainer.steps_per_epoch(images)
    schedule: Schedule = _node(config["scheduler"], epochs=trainer.epochs, steps_per_epoch=steps)
    return schedule


def _refuse_large_batch(trainer: Trainer, dataset: Dataset) -> None:
    size, accumulated = trainer.batch_size, trainer.accumulate_batches
    if size * accumulated > len(dataset.train_indices):
        times = "" if accumulated == 1 else f" times trainer.accumulate_batches={accumulated}"
        raise Refusal(
            f"trainer.batch_size={size}{times} is larger than the {len(dataset.train_indices)} "
            "training images; lower it"
        )


def _loaders(
    dataset: Dataset, trainer: Trainer, augment: Augment | None, normalise: Normalise, seed: int
) -> Loaders:
    train, test = dataset.source.train, dataset.source.test
    size = trainer.eval_batch_size
    val = (
        EvalLoader(train, dataset.val_indices, normalise, size)
        if len(dataset.val_indices)
        else None
    )
    return Loaders(
        train=TrainLoader(dataset, augment, normalise, trainer.batch_size, seed, trainer.workers),
        val=val,
        test=EvalLoader(test, np.arange(len(test)), normalise, size),
    )


def _filled(step: dict[str, Any], grey_levels: list[int]) -> dict[str, Any]:
    """The step with ``fill: mean`` as the grey levels of the mean, the unit uint8 images have."""
    return {**step, "fill": grey_levels} if step.get("fill") == "mean" else step
