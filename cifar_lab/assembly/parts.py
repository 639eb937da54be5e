"""Builds the parts of an experiment, each from its configuration node.

This module is the only caller of ``hydra.utils.instantiate``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from hydra.utils import get_object, instantiate
from torch import nn

from cifar_lab import targets
from cifar_lab.assembly.memory import is_out_of_memory
from cifar_lab.assembly.setup import Setup
from cifar_lab.contracts import Sampling
from cifar_lab.data.arrays import Dataset
from cifar_lab.data.loaders import EvalLoader, Shard, TrainLoader
from cifar_lab.data.mixing import Mixing
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.engine.engine import Engine
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.plan import Plan
from cifar_lab.network import ComputedFromImages
from cifar_lab.nodes import NO_MIXING, without_taken
from cifar_lab.refusal import Refusal

if TYPE_CHECKING:
    from cifar_lab.data.batch_augment import AugmentationStack

T = TypeVar("T")

#: Key of the data set's node that is for the loader.
SAMPLING = "sampling"
#: Number of training images, evenly spread, for models that compute initial weights from them.
INITIALISING_IMAGES = 5000


def node(config: Mapping[str, Any], **supplied: Any) -> Any:
    """Instantiate a node with ``_target_``, with additional arguments from the build.

    Raises:
        NotAllowed: it names, at any depth, what a configuration may not name.
    """
    targets.guard(config)
    return instantiate(config, _convert_="all", **supplied)


def target_of(config: Mapping[str, Any]) -> Any:
    """Return the class or function that a node names.

    Raises:
        NotAllowed: it names, at any depth, what a configuration may not name.
    """
    targets.guard(config)
    return get_object(config["_target_"])


def made(kind: type[T], config: Mapping[str, Any], **supplied: Any) -> T:
    """Instantiate a node that must give an object of a kind.

    Raises:
        TypeError: it gives something else, or would be called later.
    """
    if "_partial_" in config:
        raise TypeError("_partial_ cannot be set here; remove it")
    part = node(config, **supplied)
    if not isinstance(part, kind):
        raise TypeError(
            f"{config['_target_']} gives {type(part).__name__}, but {kind.__name__} is needed"
        )
    return part


def maker(config: Mapping[str, Any]) -> partial[Any]:
    """Return the target of a node with its arguments, to be called with those of the build.

    Raises:
        TypeError: ``_partial_`` is set in the configuration.
    """
    if "_partial_" in config:
        raise TypeError("_partial_ cannot be set here; remove it")
    make: partial[Any] = node({**config, "_partial_": True})
    return make


def mixing(config: dict[str, Any]) -> Mixing | None:
    """Build what mixes the images of a batch; None if nothing does."""
    if config["_target_"] == NO_MIXING:
        return None
    mixing: Mixing = made(Mixing, config)  # type: ignore[type-abstract]
    return mixing


def device(name: str) -> torch.device:
    """Return a device by name, with its number, after putting a value on it.

    Args:
        name: ``auto`` is CUDA if available, else the CPU.

    Raises:
        Refusal: there is no such device, or it cannot be used.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return torch.device("cpu")
    if not re.fullmatch(r"cuda(:\d+)?", name):
        raise Refusal(f"device={name}: must be auto, cpu, cuda, or cuda:N")
    number, count = int(name.partition(":")[2] or 0), torch.cuda.device_count()
    if number >= count:
        raise Refusal(
            f"device={name} does not exist: this machine has {count} CUDA devices; set device=cpu "
            "or device=auto"
        )
    try:
        torch.ones(1, device=name).item()
    except RuntimeError as error:  # e.g. another program uses it exclusively, or all its memory
        reason = str(error).strip().splitlines()[0]
        raise Refusal(
            f"device={name} cannot be used: {reason}; set device=cpu, or free the device"
        ) from error
    # With its number, as tensors have it: torch's "cuda" does not equal "cuda:0".
    return torch.device("cuda", number)


def trainer(config: dict[str, Any]) -> tuple[Engine, Setup]:
    """Build the engine with its plan, and the setup, all from the trainer node."""
    fields = {kind: _fields_of(kind, config) for kind in (Plan, Setup)}
    of_engine = {k: v for k, v in config.items() if not any(k in each for each in fields.values())}
    # Called separately, because Hydra would mistake the plan, a dataclass, for a configuration.
    make = node({**of_engine, "_partial_": True})
    engine = make(plan=Plan(**fields[Plan]))
    if not isinstance(engine, Engine):
        raise TypeError(f"{config['_target_']} is not an engine")
    return engine, Setup(**fields[Setup])


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

    Raises:
        Refusal: it takes no ``num_classes``, has no parameters, or more than the memory holds.
    """
    _refuse_without_class_count(config)
    sized = {} if size is None else {"image_size": size}
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    try:
        model = made(nn.Module, without_taken("model", config), num_classes=classes, **sized)
        model.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
    except Exception as error:
        if is_out_of_memory(error):
            raise Refusal(_too_large(config)) from error
        raise
    if next(model.parameters(), None) is None:
        raise Refusal(f"model: {config['_target_']} has no parameters to train")
    return model


def _refuse_without_class_count(config: dict[str, Any]) -> None:
    targets.guard(config)
    takes = signature(get_object(config["_target_"])).parameters
    if "num_classes" in takes or any(p.kind is p.VAR_KEYWORD for p in takes.values()):
        return
    given = [name for name, p in takes.items() if p.kind is not p.VAR_POSITIONAL]
    raise Refusal(
        f"model: {config['_target_']} takes no argument num_classes; the lab supplies num_classes "
        "and, to a model that takes it, image_size (height and width); the YAML gives all others "
        f"({', '.join(given) or 'it has none'}); add num_classes: int to its arguments"
    )


def _too_large(config: dict[str, Any]) -> str:
    numbers = [f"model.{k}={v}" for k, v in config.items() if type(v) in (int, float)]
    advice = f"reduce {' or '.join(numbers)}" if numbers else "choose a smaller one"
    return f"model: the memory does not hold all weights of {config['_target_']}; {advice}"


def size_for(model: dict[str, Any], size: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return the image size if the model has an ``image_size`` argument, else None."""
    takes_size = "image_size" in signature(target_of(model)).parameters
    return size if takes_size else None


def initialise(model: nn.Module, dataset: Dataset, normalise: Normalise) -> None:
    """Pass training images to a model that computes initial weights from them."""
    if isinstance(model, ComputedFromImages):
        step = -(-len(dataset.train_indices) // INITIALISING_IMAGES)
        images = dataset.source.train.images[dataset.train_indices[::step]]
        model.initialise(normalise(torch.from_numpy(images)))


def normalise(
    dataset: Dataset, device: torch.device, channels_last: bool, dtype: torch.dtype
) -> Normalise:
    """Build the normalisation that turns the data set's images into model input."""
    return Normalise(dataset.mean, dataset.std, device, channels_last, dtype)


def loaders(
    dataset: Dataset,
    engine: Engine,
    setup: Setup,
    stack: AugmentationStack | None,
    normalise: Normalise,
    mixing: Mixing | None,
    seed: int,
    evaluate_test: bool,
    sampling: Sampling,
) -> Loaders:
    """Build the loaders of each split; without ``evaluate_test``, none of the test images."""
    train, test = dataset.source.train, dataset.source.test
    size, resident = setup.eval_batch_size, setup.resident_data
    pixels = Pixels(train.images, normalise.device, resident)
    batch_size, workers = engine.plan.batch_size, setup.worker_processes()
    val, shard = dataset.val_indices, Shard(engine.world.rank, engine.world.size)
    test_loader = None
    if evaluate_test:
        test_pixels = Pixels(test.images, normalise.device, resident)
        rows = np.arange(len(test))
        test_loader = EvalLoader(test_pixels, test.labels, rows, normalise, size)
    return Loaders(
        train=TrainLoader(
            dataset, pixels, stack, normalise, mixing, batch_size, seed, workers, shard, sampling
        ),
        val=EvalLoader(pixels, train.labels, val, normalise, size) if len(val) else None,
        test=test_loader,
    )
