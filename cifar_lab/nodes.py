"""Names and words of configuration nodes, each once."""

from __future__ import annotations

from typing import Any

#: What ``scheduler.max_lr`` may say in place of a number: the run looks for it first.
FIND = "find"

#: Keys that say where data lie and a run is computed, and change nothing of what it is.
PLACES = ("device", "dataset.root", "dataset.cache_dir")

#: What a configuration without mixing builds.
NO_MIXING = "cifar_lab.data.no_mixing"


def type_name(node: dict[str, Any]) -> str:
    """The last part of a configuration node's target: ``Cifar10``."""
    return str(node["_target_"]).rsplit(".", 1)[-1]


def described(node: dict[str, Any]) -> str:
    """A configuration node as it would be called: ``ResNet18(last_stride=1, pooled_size=2)``."""
    arguments = [f"{key}={value}" for key, value in node.items() if not key.startswith("_")]
    return f"{type_name(node)}({', '.join(arguments)})"
