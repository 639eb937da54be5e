"""Builds the parts of an experiment, each from its configuration node.

This module is the only caller of ``hydra.utils.instantiate``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from hydra.utils import get_object, instantiate
from torch import nn

from cifar_lab.assembly.setup import Setup
from cifar_lab.data.arrays import Dataset
from cifar_lab.data.loaders import EvalLoader, Shard, TrainLoader
from cifar_lab.data.mixing import Mixing
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.data.sources import Source
from cifar_lab.engine.engine import Engine
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.plan import Plan
from cifar_lab.network import ComputedFromImages
from cifar_lab.nodes import FIND
from cifar_lab.optim.schedules import Schedule
from cifar_lab.refusal import Refusal

if TYPE_CHECKING:
    from cifar_lab.data.batch_augment import AugmentationStack

#: Largest number of optimizer steps in a run; 600 epochs of ImageNet in batches of 256 have three
#: million.
MOST_STEPS = 5_000_000
#: Number of training images, evenly spread, for models that compute initial weights from them.
INITIALISING_IMAGES = 5000


def source(config: dict[str, Any]) -> Source:
    """Build the data source; reads no files."""
    images: Source = node(config["dataset"])
    return images


def found(dataset: dict[str, Any]) -> Source:
    """Build the data source and check that its images exist."""
    images: Source = node(dataset)
    images.check()
    return images


def images(source: Source, load: bool) -> Dataset | None:
    """Load the source's images, or return None if ``load`` is false."""
    return source.load() if load else None


def node(config: Mapping[str, Any], **supplied: Any) -> Any:
    """Instantiate a node with ``_target_``, with additional arguments from the build."""
    return instantiate(config, _convert_="all", **supplied)


def device(name: str) -> torch.device:
    """Return a device by name; ``auto`` is CUDA if available, else the CPU."""
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
            f"device={name} does not exist: this machine has {torch.cuda.device_count()} CUDA "
            "devices; set device=cpu or device=auto"
        )
    return device


def trainer(config: dict[str, Any]) -> tuple[Engine, Setup]:
    """Build the engine with its plan, and the setup, all from the trainer node."""
    fields = {kind: _fields_of(kind, config) for kind in (Plan, Setup)}
    of_engine = {k: v for k, v in config.items() if not any(k in each for each in fields.values())}
    # Called separately, because Hydra would mistake the plan, a dataclass, for a configuration.
    make = node({**of_engine, "_partial_": True})
    return make(plan=Plan(**fields[Plan])), Setup(**fields[Setup])


def _fields_of(kind: type[Plan | Setup], config: dict[str, Any]) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(kind)]
    return {name: config[name] for name in names if name in config}


def model(
    config: dict[str, Any],
    classes: int,
    size: tuple[int, int] | None,
    channels_last: bool,
    device: torch.device,
) -> nn.Module:
    """Build the model on its device, drawing its weights from the current random states.

    Args:
        config: the model's node.
        classes: number of classes.
        size: height and width of the images in pixels, from :func:`size_for`.
        channels_last: use the channels-last memory format.
        device: the device to put it on.
    """
    sized = {} if size is None else {"image_size": size}
    model: nn.Module = node(config, num_classes=classes, **sized)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    return model.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]


def size_for(model: dict[str, Any], size: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return the image size if the model has an ``image_size`` argument, else None."""
    takes_size = "image_size" in signature(get_object(model["_target_"])).parameters
    return size if takes_size else None


def initialise(model: nn.Module, dataset: Dataset, normalise: Normalise) -> None:
    """Pass training images to a model that computes initial weights from them."""
    if isinstance(model, ComputedFromImages):
        step = -(-len(dataset.train_indices) // INITIALISING_IMAGES)
        images = dataset.source.train.images[dataset.train_indices[::step]]
        model.initialise(normalise(torch.from_numpy(images)))


def optimizer(config: dict[str, Any], model: nn.Module, fused: bool) -> torch.optim.Optimizer:
    """Build the optimizer over the model's parameters."""
    optimizer: torch.optim.Optimizer = node(config, model=model, fused=fused)
    return optimizer


def normalise(
    dataset: Dataset, device: torch.device, channels_last: bool, dtype: torch.dtype
) -> Normalise:
    """Build the normalisation that turns the data set's images into model input."""
    return Normalise(dataset.mean, dataset.std, device, channels_last, dtype)


def schedule(
    config: dict[str, Any], epochs: int, steps_per_epoch: int, max_lr: float | None = None
) -> Schedule:
    """Build the schedule for the length of the run.

    Args:
        config: the scheduler's node.
        epochs: number of epochs in the whole run.
        steps_per_epoch: optimizer steps per full epoch.
        max_lr: the learning rate found, if the configuration says ``max_lr: find``; None uses 1
            until it is found.
    """
    if config.get("max_lr") == FIND:
        config = {**config, "max_lr": 1.0 if max_lr is None else max_lr}
    schedule: Schedule = node(config, epochs=epochs, steps_per_epoch=steps_per_epoch)
    return schedule


def refuse_idle_freezing(after_epochs: dict[str, int], model: nn.Module) -> None:
    """Refuse names to freeze that match no parameter."""
    names = [name for name, _ in model.named_parameters()]
    begin = ", ".join(dict.fromkeys(name.split(".")[0] for name in names))
    idle = [b for b in after_epochs if not any(n.startswith(b) for n in names)]
    if idle:
        raise Refusal(
            [
                f"trainer.freeze_after_epochs.{name}: no parameter name of "
                f"{type(model).__name__} begins with '{name}'; the names begin with: {begin}"
                for name in idle
            ]
        )


def refuse_large_batch(plan: Plan, processes: int, images: int | None) -> None:
    """Refuse steps larger than the training split, and last batches smaller than ``processes``.

    Args:
        plan: defines the number of images per step.
        processes: number of processes that train together.
        images: number of training images; None if unknown.
    """
    if images is None:
        return
    size, accumulated = plan.batch_size, plan.accumulate_batches
    factors = [(f"trainer.accumulate_batches={accumulated}", accumulated)]
    factors += [(f"{processes} processes", processes)]
    if plan.images_per_step(processes) > images:
        times = "".join(f" times {name}" for name, factor in factors if factor > 1)
        raise Refusal(
            f"trainer.batch_size={size}{times} is larger than the {images} training images; "
            "reduce it"
        )
    left = images % (size * processes)
    if 0 < left < processes:
        raise Refusal(
            f"trainer.batch_size={size} leaves a last batch of {left} of the {images} training "
            f"images for {processes} processes; choose a different batch size or trainer.devices"
        )


def refuse_endless_run(plan: Plan, steps_per_epoch: int) -> None:
    """Refuse a run whose steps are too many to plan, as checks and reports list all of them."""
    steps = plan.epochs * steps_per_epoch
    if steps > MOST_STEPS:
        raise Refusal(
            f"trainer.epochs={plan.epochs}: {steps:,} steps are more than the {MOST_STEPS:,} that "
            "a run may have; reduce the epochs, or increase trainer.batch_size"
        )


def loaders(
    dataset: Dataset,
    engine: Engine,
    setup: Setup,
    stack: AugmentationStack | None,
    normalise: Normalise,
    mixing: Mixing | None,
    seed: int,
) -> Loaders:
    """Build the loaders of each split."""
    train, test = dataset.source.train, dataset.source.test
    size, resident = setup.eval_batch_size, setup.resident_data
    pixels = Pixels(train.images, normalise.device, resident)
    test_pixels = Pixels(test.images, normalise.device, resident)
    batch_size, workers = engine.plan.batch_size, setup.worker_processes()
    val, shard = dataset.val_indices, Shard(engine.world.rank, engine.world.size)
    return Loaders(
        train=TrainLoader(
            dataset, pixels, stack, normalise, mixing, batch_size, seed, workers, shard
        ),
        val=EvalLoader(pixels, train.labels, val, normalise, size) if len(val) else None,
        test=EvalLoader(test_pixels, test.labels, np.arange(len(test)), normalise, size),
    )
