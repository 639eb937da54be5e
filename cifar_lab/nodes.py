"""Names and special values used in configuration nodes, each defined once."""

from __future__ import annotations

from typing import Any

#: The value of ``scheduler.max_lr`` that makes a run find the number before it trains.
FIND = "find"

#: Keys that say where the data are and which device to use; they do not change the experiment.
PLACES = ("device", "dataset.root", "dataset.cache_dir")

#: Groups that a run does not need, and of which it may take several options.
OPTIONAL_GROUPS = ("experiments", "debug")

#: The target of the mixing node when nothing is mixed.
NO_MIXING = "cifar_lab.data.no_mixing"


def type_name(node: dict[str, Any]) -> str:
    """Return the last part of a node's target, e.g. ``Cifar10``."""
    return str(node["_target_"]).rsplit(".", 1)[-1]


def described(node: dict[str, Any]) -> str:
    """Return a node as a call, e.g. ``ResNet18(last_stride=1, pooled_size=2)``."""
    arguments = [f"{key}={value}" for key, value in node.items() if not key.startswith("_")]
    return f"{type_name(node)}({', '.join(arguments)})"
