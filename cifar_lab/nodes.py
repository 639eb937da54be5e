"""Names and special values used in configuration nodes, and what these may name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: The value of ``scheduler.max_lr`` that makes a run find the number before it trains.
FIND = "find"

#: The value that weights or draws the classes as if all had equally many training images.
BALANCED = "balanced"

#: Keys that say where the data are and which device to use; they do not change the experiment.
PLACES = ("device", "dataset.root", "dataset.file", "dataset.cache_dir")

#: Keys of a group's node that the lab takes itself, before what the node names sees its arguments.
TAKEN = {"model": ("weights",)}

#: Root keys of a composed configuration that are not a run's own.
NOT_OF_A_RUN = ("hydra", "sweep")

#: Groups whose options hold values for other groups.
OF_OTHER_GROUPS = ("experiments", "debug")

#: The group of hooks, whose options add named nodes to it.
HOOKS = "hooks"

#: Groups that a run does not need, and of which it may take several options.
OPTIONAL_GROUPS = (*OF_OTHER_GROUPS, HOOKS)

#: Stands for the value of a key that a configuration does not have.
ABSENT = "absent"

#: The target of the mixing node when nothing is mixed.
NO_MIXING = "cifar_lab.data.no_mixing"


@dataclass(frozen=True)
class Kind:
    """What the nodes of a group may name.

    Attributes:
        faces: packages of ours, each of whose public names may be named; or single names.
        bases: by package of a library, dotted names of the classes to derive from.
        called: how messages call the library's classes.
    """

    faces: tuple[str, ...]
    bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    called: str = ""


_MODULE = "torch.nn.modules.module.Module"
#: What may be named, by group; a ``_target_`` elsewhere may name nothing.
KINDS = {
    "dataset": Kind(("cifar_lab.data",)),
    "model": Kind(
        ("cifar_lab.models",),
        {"torch.nn": (_MODULE,), "timm.models": (_MODULE,), "timm.layers": (_MODULE,)},
        "an nn.Module of torch or timm",
    ),
    "augmentation": Kind(
        ("cifar_lab.data",),
        {
            "albumentations": (
                "albumentations.core.transforms_interface.BasicTransform",
                "albumentations.core.composition.BaseCompose",
            ),
            "torchvision.transforms.v2": ("torchvision.transforms.v2.Transform",),
        },
        "a transform of albumentations or of torchvision.transforms.v2",
    ),
    "mixing": Kind(("cifar_lab.data",)),
    "optimizer": Kind(
        ("cifar_lab.optim",),
        {
            "torch.optim": ("torch.optim.optimizer.Optimizer",),
            "timm.optim": ("torch.optim.optimizer.Optimizer",),
        },
        "an Optimizer of torch or timm",
    ),
    "scheduler": Kind(
        ("cifar_lab.optim",),
        {
            "torch.optim.lr_scheduler": ("torch.optim.lr_scheduler.LRScheduler",),
            "timm.scheduler": ("timm.scheduler.scheduler.Scheduler",),
        },
        "an LRScheduler of torch or a Scheduler of timm",
    ),
    "criterion": Kind(
        ("cifar_lab.optim",),
        {"torch.nn": (_MODULE,), "timm.loss": (_MODULE,)},
        "an nn.Module of torch or timm.loss",
    ),
    "trainer": Kind(("cifar_lab.engine",)),
    "lr_finder": Kind(("cifar_lab.engine",)),
    "report": Kind(("cifar_lab.report.ReportOptions",)),
    "hooks": Kind(("cifar_lab.hooks", "cifar_lab.trackers")),
    "sweep": Kind(("cifar_lab.sweeps.SweepOptions",)),
}


def type_name(node: Mapping[str, Any]) -> str:
    """Return the last part of a node's target, e.g. ``Cifar10``."""
    return str(node["_target_"]).rsplit(".", 1)[-1]


def dataset_name(node: Mapping[str, Any]) -> str:
    """Return the name of a data set: as its node states it, e.g. ``SVHN``, or of its type."""
    return str(node.get("name") or type_name(node))


def without_taken(group: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a group's node without the keys that the lab takes itself."""
    return {key: value for key, value in node.items() if key not in TAKEN.get(group, ())}


def described(node: Mapping[str, Any]) -> str:
    """Return a node as a call, e.g. ``ResNet18(last_stride=1, pooled_size=2)``."""
    arguments = [f"{key}={value}" for key, value in _arguments(node).items()]
    return f"{type_name(node)}({', '.join(arguments)})"


def shown(value: Any) -> str:
    """Format a value for reading: a node as a call, numbers and lists as JSON."""
    if isinstance(value, dict) and "_target_" in value:
        arguments = [f"{key}={shown(each)}" for key, each in _arguments(value).items()]
        return f"{type_name(value)}({', '.join(arguments)})"
    if isinstance(value, dict) and {"run", "epochs", "checkpoint"} <= value.keys():
        return f"{value['run']} from epoch {value['epochs']}"  # what a run extends
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _arguments(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a call of the node's target shows; weights that are not loaded are none."""
    idle = [key for key in ("weights",) if node.get(key) is None]
    return {k: each for k, each in node.items() if not k.startswith("_") and k not in idle}
