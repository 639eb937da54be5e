"""The parts of an experiment, each from its node of the configuration.

The only caller of ``hydra.utils.instantiate``.
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

#: Training images, evenly spread, that a model may compute weights from.
SHOWN_IMAGES = 5000


def source(config: dict[str, Any]) -> Source:
    """The data source alone; reads nothing."""
    images: Source = node(config["dataset"])
    return images


def found(dataset: dict[str, Any]) -> Source:
    """The data source, after it was seen that its images are there."""
    images: Source = node(dataset)
    images.check()
    return images


def images(source: Source, load: bool) -> Dataset | None:
    """The source's images; None where they are not to be loaded."""
    return source.load() if load else None


def node(config: Mapping[str, Any], **supplied: Any) -> Any:
    """What a node with ``_target_`` names, with arguments that the build adds."""
    return instantiate(config, _convert_="all", **supplied)


def device(name: str) -> torch.device:
    """A device by name; ``auto`` takes CUDA where there is one."""
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


def trainer(config: dict[str, Any]) -> tuple[Engine, Setup]:
    """The engine over its plan, and the rest of the same node: how to put things together."""
    told = {kind: _fields_of(kind, config) for kind in (Plan, Setup)}
    of_engine = {k: v for k, v in config.items() if not any(k in each for each in told.values())}
    # Called by itself, as Hydra would take the plan for a configuration.
    make = node({**of_engine, "_partial_": True})
    return make(plan=Plan(**told[Plan])), Setup(**told[Setup])


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
    """The model on its device, with weights drawn from the random states as they are.

    Args:
        config: its node.
        classes: length of a row of logits.
        size: height and width of the images in pixels, from :func:`size_for`.
        channels_last: how tensors lie in memory.
        device: where the model will live.
    """
    sized = {} if size is None else {"image_size": size}
    model: nn.Module = node(config, num_classes=classes, **sized)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    return model.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]


def size_for(model: dict[str, Any], size: tuple[int, int] | None) -> tuple[int, int] | None:
    """The size of the images, where a model's node takes it; else None."""
    takes_size = "image_size" in signature(get_object(model["_target_"])).parameters
    return size if takes_size else None


def initialise(model: nn.Module, dataset: Dataset, normalise: Normalise) -> None:
    """Shows training images to a model that computes weights from them."""
    if isinstance(model, ComputedFromImages):
        step = -(-len(dataset.train_indices) // SHOWN_IMAGES)
        images = dataset.source.train.images[dataset.train_indices[::step]]
        model.initialise(normalise(torch.from_numpy(images)))


def optimizer(config: dict[str, Any], model: nn.Module, fused: bool) -> torch.optim.Optimizer:
    """The optimizer over the model's parameters."""
    optimizer: torch.optim.Optimizer = node(config, model=model, fused=fused)
    return optimizer


def normalise(
    dataset: Dataset, device: torch.device, channels_last: bool, dtype: torch.dtype
) -> Normalise:
    """What makes the data set's images into what a network reads."""
    return Normalise(dataset.mean, dataset.std, device, channels_last, dtype)


def schedule(
    config: dict[str, Any], epochs: int, steps_per_epoch: int, max_lr: float | None = None
) -> Schedule:
    """The schedule, told the length of the run.

    Args:
        config: its node.
        epochs: of the whole run.
        steps_per_epoch: updates of a whole epoch.
        max_lr: what was found, where the configuration says to look; None takes 1 until then.
    """
    if config.get("max_lr") == FIND:
        config = {**config, "max_lr": 1.0 if max_lr is None else max_lr}
    schedule: Schedule = node(config, epochs=epochs, steps_per_epoch=steps_per_epoch)
    return schedule


def refuse_idle_freezing(after_epochs: dict[str, int], model: nn.Module) -> None:
    """Refuses names to freeze that no parameter begins with."""
    names = [name for name, _ in model.named_parameters()]
    begin = ", ".join(dict.fromkeys(name.split(".")[0] for name in names))
    idle = [b for b in after_epochs if not any(n.startswith(b) for n in names)]
    if idle:
        raise Refusal(
            [
                f"trainer.freeze_after_epochs.{name}: no parameter of {type(model).__name__} "
                f"begins with '{name}'; they begin with: {begin}"
                for name in idle
            ]
        )


def refuse_large_batch(plan: Plan, processes: int, images: int | None) -> None:
    """Refuses a step of more images than there are, and a batch of fewer than processes.

    Args:
        plan: says how many make a step.
        processes: that train together.
        images: to train on; None where that is not known.
    """
    if images is None:
        return
    size, accumulated = plan.batch_size, plan.accumulate_batches
    factors = [(f"trainer.accumulate_batches={accumulated}", accumulated)]
    factors += [(f"{processes} processes", processes)]
    if plan.images_per_step(processes) > images:
        times = "".join(f" times {name}" for name, factor in factors if factor > 1)
        raise Refusal(
            f"trainer.batch_size={size}{times} is larger than the {images} training images; lower "
            "it"
        )
    left = images % (size * processes)
    if 0 < left < processes:
        raise Refusal(
            f"trainer.batch_size={size} leaves a last batch of {left} of the {images} training "
            f"images for {processes} processes; take another batch size, or other trainer.devices"
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
    """The batches of each split."""
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
