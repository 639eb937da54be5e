"""Resolves interpolations: one that cannot be is a problem of its own key."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cifar_lab.config.reasons import reason
from cifar_lab.nodes import NOT_OF_A_RUN, PLACES

#: What resolving raises; a circle of interpolations ends in a RecursionError.
UNRESOLVABLE = (OmegaConfBaseException, RecursionError, ValueError, TypeError)
#: An interpolation of another key, and of nothing else.
OF_A_KEY = re.compile(r"\$\{([\w.]+)\}")


@dataclass(frozen=True)
class Resolved:
    """A configuration as plain values.

    Attributes:
        values: without Hydra's node; None where an interpolation could not be resolved.
        written: every interpolation as it was written, by key.
        problems: by key, why it could not be resolved.
    """

    values: dict[str, Any]
    written: dict[str, str]
    problems: dict[str, str]

    @property
    def job(self) -> dict[str, Any]:
        """The part that is a run's own."""
        return {key: each for key, each in self.values.items() if key not in NOT_OF_A_RUN}

    def source(self, key: str) -> str | None:
        """Return the key that a value was taken from unchanged; None if it was not."""
        found = OF_A_KEY.fullmatch(self.written.get(key, ""))
        return None if found is None else found[1]


def resolved(config: DictConfig) -> Resolved:
    """Resolve each interpolation of a configuration, except in Hydra's node."""
    found = Resolved({}, {}, {})
    for key in config:
        if key != "hydra":
            found.values[str(key)] = _plain(config, key, str(key), found)
    return found


def as_written(config: DictConfig, key: str) -> Any:
    """Return the value of a root key as plain values, with its interpolations as written."""
    node: Any = config._get_node(key)
    return (
        OmegaConf.to_container(node, resolve=False) if OmegaConf.is_config(node) else node._value()
    )


def saved_form(config: DictConfig, job: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the job's configuration as a run keeps it: resolved, but for places as written.

    Args:
        config: as composed.
        job: its resolved form, if that is known.
    """
    job = resolved(config).job if job is None else copy.deepcopy(job)
    for place in PLACES:
        *groups, last = place.split(".")
        node: Any = job
        for group in groups:
            node = node.get(group) if isinstance(node, dict) else None
        written = OmegaConf.select(config, ".".join(groups)) if groups else config
        if isinstance(node, dict) and last in node and OmegaConf.is_interpolation(written, last):
            as_plain = OmegaConf.to_container(written, resolve=False)
            node[last] = as_plain[last]  # type: ignore[index,call-overload]
    return job


def _plain(parent: DictConfig | ListConfig, key: Any, path: str, found: Resolved) -> Any:
    """Return a value as plain values, and note what was interpolated or could not be."""
    node: Any = parent._get_node(key)
    if OmegaConf.is_interpolation(parent, key):
        found.written[path] = str(node._value())
        try:
            value = parent[key]
            if OmegaConf.is_config(value):
                return OmegaConf.to_container(value, resolve=True)
            return value
        except UNRESOLVABLE as error:
            found.problems[path] = reason(error)
            return None
    if not OmegaConf.is_config(node):
        return node._value()
    if node._is_none() or node._is_missing():
        return node._value()
    if OmegaConf.is_list(node):
        return [_plain(node, i, f"{path}.{i}", found) for i in range(len(node))]
    return {str(k): _plain(node, k, f"{path}.{k}", found) for k in node}
