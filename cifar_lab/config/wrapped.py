"""What is made around a part of a user's own, from the keys of the same node."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from cifar_lab import targets
from cifar_lab.own_code import OwnCode

#: By group, the class of what a target must give, and the class that makes one of anything else.
WRAPPERS = {"dataset": ("cifar_lab.data.Source", "cifar_lab.data.OwnSource")}


def wrapper(group: str, node: Mapping[str, Any], own: OwnCode) -> tuple[str, ...]:
    """Return the dotted name of the class that is made around a node's target; none if unneeded.

    Args:
        group: the node's group.
        node: has a ``_target_``.
        own: where modules of the user's own may come from.
    """
    if group not in WRAPPERS:
        return ()
    base, wrapping = WRAPPERS[group]
    try:
        target = targets.located(node["_target_"], group, own)
    except Exception:  # it is told where the node is checked
        return ()
    module, _, name = base.rpartition(".")
    needed = getattr(importlib.import_module(module), name)
    return () if isinstance(target, type) and issubclass(target, needed) else (wrapping,)
