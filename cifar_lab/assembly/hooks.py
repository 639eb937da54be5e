"""Builds the hooks of a run, and asks them what they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cifar_lab.assembly.parts import made
from cifar_lab.data.arrays import Outline
from cifar_lab.engine.restoring import random_states_kept
from cifar_lab.hooks.base import Hook
from cifar_lab.nodes import HOOKS
from cifar_lab.refusal import Refusal


def hooks(config: Mapping[str, Any]) -> dict[str, Hook]:
    """Build the hooks of a configuration by name; leaves the random states as they were."""
    with random_states_kept():
        return {name: made(Hook, node) for name, node in config.get(HOOKS, {}).items()}


def try_hook(name: str, node: dict[str, Any], images: Outline) -> None:
    """Build a hook and ask what it needs; a run builds its own, as hooks keep what they have seen.

    Args:
        name: of the hook.
        node: of the hook.
        images: what is known about the images.

    Raises:
        Refusal: it lacks something.
    """
    with random_states_kept():
        unmet = made(Hook, node).unmet_needs(images)
    if unmet:
        raise Refusal([f"{HOOKS}.{name}: {each}" for each in unmet])
