"""Holds configuration values against the signatures of what they are handed to.

A node with ``_target_`` must give the target's arguments: none unknown, none missing, each of
the annotated type and range. What the build adds itself is listed in ``SUPPLIED``, and what it
makes of the same node in ``BESIDES``.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import typing
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from cifar_lab.bounds import NonNegativeInt, PositiveInt
from cifar_lab.nodes import FIND
from cifar_lab.refusal import did_you_mean, in_our_words


def _folder_name(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) and name not in RESERVED_NAMES:
        return name
    raise ValueError(
        "must be a folder's name of letters, digits, '.', '_' and '-', and none of "
        f"{', '.join(sorted(RESERVED_NAMES))}"
    )


#: Names below outputs/ that mean something else.
RESERVED_NAMES = {"latest", "best", "show", "find-lr"}
#: Keys of the root that are values; the others are groups, each a node or a dictionary of nodes.
ROOT_VALUES: dict[str, Any] = {
    "name": Annotated[str, AfterValidator(_folder_name)],
    "seed": NonNegativeInt,
    "device": str,
    "profile_batches": PositiveInt | None,
    "measure_work": bool,
}
#: Keys of the root that are groups, with the arguments that the build adds to their nodes.
SUPPLIED: dict[str, set[str]] = {
    "dataset": set(),
    "model": {"num_classes", "image_size"},
    "augmentation": set(),
    "mixing": set(),
    "optimizer": {"model", "fused"},
    "scheduler": {"epochs", "steps_per_epoch"},
    "criterion": set(),
    "trainer": {"plan"},
    "lr_finder": set(),
    "report": set(),
}
#: What else is made of a group's node: their arguments stand beside those of its target.
BESIDES: dict[str, tuple[str, ...]] = {
    "trainer": ("cifar_lab.engine.Plan", "cifar_lab.assembly.Setup")
}
#: Values that the build puts another in place of before a constructor sees them, by key.
WORDS: dict[str, Any] = {"scheduler.max_lr": Literal[FIND]}
#: Keys of Hydra's ``instantiate`` itself.
HYDRA_KEYS = {"_target_", "_partial_", "_convert_", "_recursive_", "_args_"}


def problems(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Everything wrong with a composed configuration, as (key, sentence)."""
    for key in config.keys() - ROOT_VALUES.keys() - SUPPLIED.keys():
        yield key, f"{key}: nothing reads this key{did_you_mean(key, [*ROOT_VALUES, *SUPPLIED])}"
    for key, annotation in ROOT_VALUES.items():
        if key in config:
            yield from _wrong_value(key, config[key], annotation)
        else:
            yield key, f"{key} is missing; a run needs it"
    for group, supplied in SUPPLIED.items():
        node = config.get(group)
        if group == "augmentation":
            yield from _augmentation_problems(node)
        elif not isinstance(node, dict) or "_target_" not in node:
            yield group, f"{group} must be a node with _target_, got {node!r}; choose an option"
        else:
            yield from node_problems(group, node, supplied, BESIDES.get(group, ()))


def _augmentation_problems(node: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(node, dict) or not isinstance(node.get("train"), dict):
        yield "augmentation", f"augmentation must hold a dictionary 'train' of steps, got {node!r}"
        return
    for key in node.keys() - {"train"}:
        path = f"augmentation.{key}"
        yield path, f"{path}: nothing reads this key{did_you_mean(key, ['train'])}"
    for name, step in node["train"].items():
        path = f"augmentation.train.{name}"
        if not isinstance(step, dict) or "_target_" not in step:
            yield path, f"{path} must be a step with _target_, got {step!r}; ~{path} takes it away"
        else:
            yield from node_problems(path, step, set())


def node_problems(
    path: str, node: dict[str, Any], supplied: set[str], besides: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """What is wrong with one node: its target, its keys, its values, and nodes within it.

    Args:
        path: of the node.
        node: with ``_target_``.
        supplied: arguments that the build adds.
        besides: what else is made of the node, each from the keys that it has arguments for.
    """
    try:
        target = locate(node["_target_"])
    except (ImportError, AttributeError, ValueError) as error:
        yield path, f"{path}._target_={node['_target_']} cannot be imported: {error}"
        return
    name = str(node["_target_"]).rsplit(".", 1)[-1]
    made = [*map(locate, besides), target]
    try:
        parameters = {n: p for each in made for n, p in inspect.signature(each).parameters.items()}
    except (TypeError, ValueError):
        yield path, f"{path}._target_={node['_target_']} is nothing that takes these arguments"
        return
    given = {key: value for key, value in node.items() if key not in HYDRA_KEYS}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    settable = [
        n for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    allowed = [n for n in settable if n not in supplied]
    annotations = {n: a for each in made for n, a in _annotations(each).items()}
    for key, value in given.items():
        if key not in allowed and not takes_any:
            taken = ", ".join(allowed) or "nothing"
            hint = did_you_mean(key, allowed)
            yield f"{path}.{key}", f"{path}.{key}: {name} takes no '{key}'{hint}; it takes: {taken}"
        elif value == "???":
            yield f"{path}.{key}", f"{path}.{key} must be given: {path}.{key}=…"
        elif key in annotations:
            yield from _wrong_value(f"{path}.{key}", value, annotations[key])
        for inner_path, inner in _nodes_within(f"{path}.{key}", value):
            yield from node_problems(inner_path, inner, set())
    for key in allowed:
        if parameters[key].default is inspect.Parameter.empty and key not in given:
            yield f"{path}.{key}", f"{path}.{key} is missing; {name} needs it"


def locate(dotted: str) -> Any:
    """Imports ``package.module.name``.

    Raises:
        ImportError, AttributeError, ValueError: there is no such thing.
    """
    module_name, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module_name), name)


def _annotations(target: Any) -> dict[str, Any]:
    """Of what a target of ours takes; others' are not held to theirs."""
    if not target.__module__.startswith("cifar_lab."):
        return {}
    # A dataclass keeps its fields' annotations along its bases; a plain class those of __init__.
    is_plain_class = inspect.isclass(target) and not hasattr(target, "__dataclass_fields__")
    owner = target.__init__ if is_plain_class else target
    return typing.get_type_hints(owner, include_extras=True)


def _wrong_value(path: str, value: Any, annotation: Any) -> Iterator[tuple[str, str]]:
    annotation = annotation | WORDS[path] if path in WORDS else annotation
    try:
        adapter = TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a dataclass carries its own settings
        adapter = TypeAdapter(annotation)
    try:
        # As JSON, so that a list may stand for a tuple while "3" is no number.
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        reasons = dict.fromkeys(in_our_words(detail["msg"]) for detail in error.errors())
        yield path, f"{path}={_shown(value)}: {' or '.join(reasons)}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _nodes_within(path: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict) and "_target_" in value:
        yield path, value
    elif isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _nodes_within(f"{path}.{key}", inner)
