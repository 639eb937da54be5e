"""The parts of an experiment, each from its node of the configuration.

The only caller of ``hydra.utils.instantiate``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import nn

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.loaders import EvalLoader, Shard, TrainLoader
from cifar_lab.data.mixing import Mixing
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.data.sources import Source
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.seeding import seed_everything
from cifar_lab.engine.trainer import Trainer
from cifar_lab.nodes import FIND
from cifar_lab.optim.schedules import Schedule
from cifar_lab.refusal import Refusal, in_our_words

if TYPE_CHECKING:
    from cifar_lab.data.batch_augment import AugmentationStack

#: Draws of the augmentation that are looked at before a run.
TRIED_DRAWS = 16
#: Training images, evenly spread, that a model may compute weights from.
SHOWN_IMAGES = 5000


def source(config: dict[str, Any]) -> Source:
    """The data source alone; reads nothing."""
    images: Source = node(config["dataset"])
    return images


def augmentation(
    config: dict[str, Any],
    mean: NDArray[np.float64],
    images: int,
    size: tuple[int, int],
    trainer: Trainer | None,
) -> AugmentationStack | None:
    """The augmentation stack; None for an empty one.

    Args:
        config: as plain values.
        mean: float64 ``(3,)``, of the training images' pixels / 255, for ``fill: mean``.
        images: training images, validation included.
        size: height and width in pixels.
        trainer: says whether steps are lowered; None where it is wrong.

    Raises:
        ValueError: albumentations refuses an argument.
    """
    steps = config["augmentation"]["train"]
    if not steps:
        return None
    from cifar_lab.data.batch_augment import AugmentationStack  # albumentations costs seconds

    grey_levels = [round(255 * float(value)) for value in mean]
    lowered = trainer is None or trainer.lowered_augmentation
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # albumentations warns of arguments that it then ignores
        built = {name: _step(name, _filled(step, grey_levels)) for name, step in steps.items()}
        return AugmentationStack(built, config["seed"], images, size, lowered)


def _step(name: str, step: dict[str, Any]) -> Any:
    try:
        return node(step)
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


def dataset(config: dict[str, Any], load: bool) -> Dataset | None:
    """The data set; without ``load`` None, if it would have to be decoded or downloaded first."""
    images = source(config)
    images.check()
    return images.load() if load or images.at_hand() else None


def tried(stack: AugmentationStack | None, size: tuple[int, int]) -> AugmentationStack | None:
    """The stack, after it was seen to give what it was given: uint8 images of one size."""
    if stack is not None and len(stack.images):
        image = np.zeros((*size, 3), dtype=np.uint8)
        for epoch in range(TRIED_DRAWS):  # a step with p < 1 does not show at once
            stack.images(image, epoch, 0)
    return stack


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


def model(
    config: dict[str, Any],
    classes: int,
    size: tuple[int, int],
    trainer: Trainer,
    device: torch.device,
) -> nn.Module:
    """The model with the seed's weights, on its device.

    Args:
        config: as plain values.
        classes: length of a row of logits.
        size: height and width of the images in pixels, for models that depend on it.
        trainer: says how tensors lie in memory.
        device: where the model will live.
    """
    seed_everything(config["seed"])
    takes_size = "image_size" in signature(get_object(config["model"]["_target_"])).parameters
    sized = {"image_size": size} if takes_size else {}
    model: nn.Module = node(config["model"], num_classes=classes, **sized)
    memory_format = torch.channels_last if trainer.channels_last else torch.contiguous_format
    return model.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]


def initialise(model: nn.Module, dataset: Dataset, normalise: Normalise) -> None:
    """Shows training images to a model that computes weights from them."""
    show = getattr(model, "initialise", None)
    if show is not None:
        step = -(-len(dataset.train_indices) // SHOWN_IMAGES)
        images = dataset.source.train.images[dataset.train_indices[::step]]
        show(normalise(torch.from_numpy(images)))


def optimizer(config: dict[str, Any], model: nn.Module, trainer: Trainer) -> torch.optim.Optimizer:
    """The optimizer over the model's parameters."""
    fused = trainer.fused_optimizer
    optimizer: torch.optim.Optimizer = node(config["optimizer"], model=model, fused=fused)
    return optimizer


def normalise(
    dataset: Dataset, device: torch.device, channels_last: bool, dtype: torch.dtype
) -> Normalise:
    """What makes the data set's images into what a network reads."""
    return Normalise(dataset.mean, dataset.std, device, channels_last, dtype)


def schedule(
    config: dict[str, Any], trainer: Trainer, images: int, max_lr: float | None = None
) -> Schedule:
    """The schedule, told the length of the run.

    Args:
        config: as plain values.
        trainer: says how long the run is.
        images: training images.
        max_lr: what was found, where the configuration says to look; None takes 1 until then.
    """
    scheduler = config["scheduler"]
    if scheduler.get("max_lr") == FIND:
        scheduler = {**scheduler, "max_lr": 1.0 if max_lr is None else max_lr}
    steps = trainer.steps_per_epoch(images)
    schedule: Schedule = node(scheduler, epochs=trainer.epochs, steps_per_epoch=steps)
    return schedule


def refuse_idle_freezing(trainer: Trainer, model: nn.Module) -> None:
    """Refuses names to freeze that no parameter begins with."""
    names = [name for name, _ in model.named_parameters()]
    begin = ", ".join(dict.fromkeys(name.split(".")[0] for name in names))
    idle = [b for b in trainer.freeze_after_epochs if not any(n.startswith(b) for n in names)]
    if idle:
        raise Refusal(
            [
                f"trainer.freeze_after_epochs.{name}: no parameter of {type(model).__name__} "
                f"begins with '{name}'; they begin with: {begin}"
                for name in idle
            ]
        )


def refuse_large_batch(trainer: Trainer, dataset: Dataset | None) -> None:
    """Refuses a step of more images than there are, and a batch of fewer than processes."""
    if dataset is None:
        return
    images, accumulated = len(dataset.train_indices), trainer.accumulate_batches
    size, processes = trainer.batch_size, trainer.world.size
    factors = [(f"trainer.accumulate_batches={accumulated}", accumulated)]
    factors += [(f"{processes} processes", processes)]
    if trainer.images_per_step() > images:
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
    trainer: Trainer,
    stack: AugmentationStack | None,
    normalise: Normalise,
    mixing: Mixing | None,
    seed: int,
) -> Loaders:
    """The batches of each split."""
    train, test = dataset.source.train, dataset.source.test
    size, resident = trainer.eval_batch_size, trainer.resident_data
    pixels = Pixels(train.images, normalise.device, resident)
    test_pixels = Pixels(test.images, normalise.device, resident)
    workers = min(os.cpu_count() or 1, 8) if trainer.workers is None else trainer.workers
    val, shard = dataset.val_indices, Shard(trainer.world.rank, trainer.world.size)
    return Loaders(
        train=TrainLoader(
            dataset, pixels, stack, normalise, mixing, trainer.batch_size, seed, workers, shard
        ),
        val=EvalLoader(pixels, train.labels, val, normalise, size) if len(val) else None,
        test=EvalLoader(test_pixels, test.labels, np.arange(len(test)), normalise, size),
    )


def _filled(step: dict[str, Any], grey_levels: list[int]) -> dict[str, Any]:
    """The step with ``fill: mean`` as the grey levels of the mean, the unit uint8 images have."""
    return {**step, "fill": grey_levels} if step.get("fill") == "mean" else step
