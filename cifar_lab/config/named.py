"""Groups that hold nodes by name: the steps of the augmentation, and hooks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from cifar_lab.nodes import shown
from cifar_lab.refusal import did_you_mean
from cifar_lab.wording import shortened

#: A problem: the key and a sentence.
Problem = tuple[str, str]
#: Yields every problem of a node, from its key and the node.
Check = Callable[[str, dict[str, Any]], Iterator[Problem]]
#: What a hook may be called.
HOOK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")


def augmentation_problems(node: Any, check: Check) -> Iterator[Problem]:
    """Yield every problem of the group ``augmentation``, whose steps lie below ``train``."""
    if not isinstance(node, dict) or not isinstance(node.get("train"), dict):
        got = shortened(shown(node))
        yield "augmentation", f"augmentation must contain a dictionary 'train' of steps, got {got}"
        return
    for key in node.keys() - {"train"}:
        path = f"augmentation.{key}"
        yield path, f"{path}: this key is not used{did_you_mean(key, ['train'])}"
    yield from _problems("augmentation.train", "a step", node["train"], check)


def hook_problems(hooks: Any, check: Check) -> Iterator[Problem]:
    """Yield every problem of the group ``hooks``."""
    if not isinstance(hooks, dict) or "_target_" in hooks:
        yield (
            "hooks",
            f"hooks must be a dictionary of named hooks, got {shortened(shown(hooks))}; give each "
            "a name, as in gradient_norm: {_target_: cifar_lab.hooks.GradientNorm, images: 512}",
        )
        return
    for name in map(str, hooks):
        if not HOOK_NAME.fullmatch(name):
            yield (
                f"hooks.{name}",
                f"hooks.{shortened(name)}: the name of a hook must begin with a letter and have at "
                "most 50 letters, digits, '_' and '-', as its files lie in a folder of that name",
            )
    yield from _problems("hooks", "a hook", hooks, check)


def _problems(path: str, what: str, nodes: dict[str, Any], check: Check) -> Iterator[Problem]:
    for name, node in nodes.items():
        key = f"{path}.{name}"
        if isinstance(node, dict) and "_target_" in node:
            yield from check(key, node)
        else:
            got = shortened(shown(node))
            yield key, f"{key} must be {what} with _target_, got {got}; ~{key} removes it"
