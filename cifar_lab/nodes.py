"""Names and special values used in configuration nodes, and what these may name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: The value of ``scheduler.max_lr`` that makes a run find the number before it trains.
FIND = "find"

#: Keys that say where the data are and which device to use; they do not change the experiment.
PLACES = ("device", "dataset.root", "dataset.cache_dir")

#: Root keys of a composed configuration that are not a run's own.
NOT_OF_A_RUN = ("hydra", "sweep")

#: Groups that a run does not need, and of which it may take several options.
OPTIONAL_GROUPS = ("experiments", "debug")

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
    "sweep": Kind(("cifar_lab.sweep.SweepOptions",)),
}


def type_name(node: dict[str, Any]) -> str:
    """Return the last part of a node's target, e.g. ``Cifar10``."""
    return str(node["_target_"]).rsplit(".", 1)[-1]


def described(node: dict[str, Any]) -> str:
    """Return a node as a call, e.g. ``ResNet18(last_stride=1, pooled_size=2)``."""
    arguments = [f"{key}={value}" for key, value in node.items() if not key.startswith("_")]
    return f"{type_name(node)}({', '.join(arguments)})"


def shown(value: Any) -> str:
    """Format a value for reading: a node as a call, numbers and lists as JSON."""
    if isinstance(value, dict) and "_target_" in value:
        arguments = [f"{key}={shown(each)}" for key, each in value.items() if key[0] != "_"]
        return f"{type_name(value)}({', '.join(arguments)})"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
