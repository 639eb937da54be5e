"""Differences between a configuration and the defaults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cifar_lab.nodes import ABSENT, shown
from cifar_lab.run.origin import Difference


def differences(config: dict[str, Any], defaults: dict[str, Any]) -> list[Difference]:
    """List every value that differs; a node with a different target is a single difference.

    Args:
        config: the run's configuration, as plain values.
        defaults: the configuration composed without overrides, as plain values.
    """
    return list(_below("", config, defaults))


def _below(prefix: str, values: dict[str, Any], defaults: dict[str, Any]) -> Iterator[Difference]:
    for key in [*defaults, *(key for key in values if key not in defaults)]:
        path = f"{prefix}{key}"
        if key not in values or key not in defaults:
            yield Difference(path, _text(key, defaults), _text(key, values))
        elif values[key] == defaults[key]:
            continue
        elif all(isinstance(side[key], dict) for side in (values, defaults)) and (
            values[key].get("_target_") == defaults[key].get("_target_")
        ):
            yield from _below(f"{path}.", values[key], defaults[key])
        else:
            yield Difference(path, _text(key, defaults), _text(key, values))


def _text(key: str, side: dict[str, Any]) -> str:
    return shown(side[key]) if key in side else ABSENT
