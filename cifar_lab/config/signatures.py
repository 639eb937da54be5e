"""Validates configuration values against the signatures of the targets that receive them.

The keys of a node with ``_target_`` must match the target's arguments: none unknown, none missing,
each of the annotated type and range. ``SUPPLIED`` lists the arguments that the build adds, and
``BESIDES`` what else it creates from the same node.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import re
import typing
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from cifar_lab import targets
from cifar_lab.bounds import PositiveInt, Seed
from cifar_lab.nodes import FIND, NOT_OF_A_RUN, OPTIONAL_GROUPS
from cifar_lab.own_code import OwnCode
from cifar_lab.refusal import did_you_mean, reasons
from cifar_lab.wording import first_sentence, shortened


def _folder_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise ValueError(f"must be at most {LONGEST_NAME} characters long, got {len(name):,}")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) and name not in RESERVED_NAMES:
        return name
    raise ValueError(
        "must be a folder name made of letters, digits, '.', '_' and '-' that begins with a letter "
        "or a digit, and must not be one of "
        f"{', '.join(sorted(RESERVED_NAMES))}"
    )


#: Names under outputs/ that have another meaning.
RESERVED_NAMES = {"latest", "best", "show", "find-lr"}
LONGEST_NAME = 100
#: Root keys that are values; the others are groups: a node or a dictionary of nodes each.
ROOT_VALUES: dict[str, Any] = {
    "name": Annotated[str, AfterValidator(_folder_name)],
    "seed": Seed,
    "device": str,
    "profile_batches": PositiveInt | None,
    "measure_work": bool,
    "evaluate_test": bool,
}
#: Root keys that are groups, with the arguments that the build adds to their nodes.
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
    "sweep": set(),
}
ROOT_KEYS = [*ROOT_VALUES, *SUPPLIED, *OPTIONAL_GROUPS]
#: What else is created from a group's node, whose arguments the node must hold as well.
BESIDES: dict[str, tuple[str, ...]] = {
    "trainer": ("cifar_lab.engine.Plan", "cifar_lab.assembly.Setup")
}
#: Most keys of a node, or unused keys, that are looked at one by one.
MOST_UNUSED = 200
#: Special values, by key, that the build replaces before calling the constructor.
WORDS: dict[str, Any] = {"scheduler.max_lr": Literal[FIND]}
#: Keys that Hydra's ``instantiate`` interprets itself, and their values.
HYDRA_KEYS: dict[str, Any] = {
    "_target_": str,
    "_partial_": bool,
    "_convert_": Literal["none", "partial", "object", "all"],
    "_recursive_": bool,
}


def problems(config: dict[str, Any], own: OwnCode) -> Iterator[tuple[str, str]]:
    """Yield every problem of a composed configuration, as (key, sentence).

    Args:
        config: as plain values, resolved.
        own: where modules of the user's own may come from.
    """
    refused = dict(targets.problems(config, own))
    yield from refused.items()
    for key, problem in _problems(config, own):
        if not any(key == path or key.startswith(f"{path}.") for path in refused):
            yield key, problem


def _problems(config: dict[str, Any], own: OwnCode) -> Iterator[tuple[str, str]]:
    for key in OPTIONAL_GROUPS:
        if key in config:
            yield (
                key,
                f"{key}: its values are for other groups; begin the file with the line "
                "# @package _global_",
            )
    unused = [key for key in config if key not in ROOT_KEYS]
    if len(unused) > MOST_UNUSED:
        yield "", _too_many("the configuration", unused)
        unused = []
    for key in unused:
        yield key, f"{shortened(key)}: this key is not used{did_you_mean(key[:100], ROOT_KEYS)}"
    for key, annotation in ROOT_VALUES.items():
        if key in config:
            yield from _wrong_value(key, config[key], annotation)
        else:
            yield key, f"{key} is missing; a run needs it"
    for group, supplied in SUPPLIED.items():
        if group in NOT_OF_A_RUN and group not in config:  # a run's own, as it was saved
            continue
        node = config.get(group)
        if group == "augmentation":
            yield from _augmentation_problems(node, own)
        elif not isinstance(node, dict) or "_target_" not in node:
            yield (
                group,
                f"{group} must be a node with _target_, got {_shown(node)}; choose an option",
            )
        else:
            yield from node_problems(group, node, supplied, BESIDES.get(group, ()), own)


def _augmentation_problems(node: Any, own: OwnCode) -> Iterator[tuple[str, str]]:
    if not isinstance(node, dict) or not isinstance(node.get("train"), dict):
        yield (
            "augmentation",
            f"augmentation must contain a dictionary 'train' of steps, got {_shown(node)}",
        )
        return
    for key in node.keys() - {"train"}:
        path = f"augmentation.{key}"
        yield path, f"{path}: this key is not used{did_you_mean(key, ['train'])}"
    for name, step in node["train"].items():
        path = f"augmentation.train.{name}"
        if not isinstance(step, dict) or "_target_" not in step:
            yield (
                path,
                f"{path} must be a step with _target_, got {_shown(step)}; ~{path} removes it",
            )
        else:
            yield from node_problems(path, step, set(), own=own)


def _too_many(path: str, keys: Sequence[str]) -> str:
    first = ", ".join(shortened(str(key)) for key in keys[:3])
    return f"{path} has {len(keys):,} keys, which nothing can use; the first are {first}"


def node_problems(
    path: str,
    node: dict[str, Any],
    supplied: set[str],
    besides: Sequence[str] = (),
    own: OwnCode = OwnCode(),  # noqa: B008  # immutable
) -> Iterator[tuple[str, str]]:
    """Yield every problem of a node: its target, keys and values, and the nodes inside it.

    Args:
        path: the node's key.
        node: has a ``_target_``.
        supplied: arguments that the build adds.
        besides: dotted names of what else is created from the node, each from the keys that match
            its arguments.
        own: where modules of the user's own may come from.
    """
    dotted = node["_target_"]
    try:
        target = targets.located(dotted, path.split(".")[0], own)
    except targets.NotAllowed as error:
        yield path, f"{path}._target_={dotted}: {error}"
        return
    except (ImportError, AttributeError) as error:
        yield path, f"{path}._target_={dotted} could not be imported: {error}"
        return
    except Exception as error:  # a module of the user's own may raise anything
        reason = f"{type(error).__name__}: {first_sentence(error)}"
        yield path, f"{path}._target_={dotted} could not be imported: {reason}"
        return
    if dotted != targets.TENSOR:  # its numbers were checked, and it has no signature
        yield from argument_problems(path, node, target, supplied, besides, own)


def argument_problems(
    path: str,
    node: dict[str, Any],
    target: Any,
    supplied: set[str],
    besides: Sequence[str] = (),
    own: OwnCode = OwnCode(),  # noqa: B008  # immutable
) -> Iterator[tuple[str, str]]:
    """Yield every problem of the arguments that a node holds, and of the nodes inside it.

    Args:
        path: the node's key.
        node: its values.
        target: class or function that is called with them.
        supplied, besides, own: as for :func:`node_problems`.
    """
    for key in HYDRA_KEYS.keys() & node.keys():
        yield from _wrong_value(f"{path}.{key}", node[key], HYDRA_KEYS[key])
    name = str(node.get("_target_", target.__name__)).rsplit(".", 1)[-1]
    made = [*map(_ours, besides), target]
    try:
        parameters = {n: p for each in made for n, p in inspect.signature(each).parameters.items()}
    except (TypeError, ValueError):
        yield path, f"{path}._target_={node.get('_target_')} cannot be called with arguments"
        return
    given = {key: value for key, value in node.items() if key not in HYDRA_KEYS}
    if len(given) > MOST_UNUSED:
        yield path, _too_many(path, list(given))
        return
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    settable = [
        n for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    allowed = [n for n in settable if n not in supplied]
    annotations = {n: a for each in made for n, a in _annotations(each).items()}
    for key, value in given.items():
        if key not in allowed and not takes_any:
            hint = did_you_mean(key, allowed)
            accepted = ", ".join(allowed) or "none"
            yield (
                f"{path}.{key}",
                f"{path}.{key}: {name} has no argument '{key}'{hint}; "
                f"its arguments are: {accepted}",
            )
        elif value == "???":
            yield f"{path}.{key}", f"{path}.{key} must be set: {path}.{key}=…"
        elif key in annotations:
            yield from _wrong_value(f"{path}.{key}", value, annotations[key])
        for inner_path, inner in _nodes_within(f"{path}.{key}", value):
            yield from node_problems(inner_path, inner, set(), own=own)
    for key in allowed:
        if parameters[key].default is inspect.Parameter.empty and key not in given:
            yield f"{path}.{key}", f"{path}.{key} is missing; {name} needs it"


def _ours(dotted: str) -> Any:
    module_name, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module_name), name)


def _annotations(target: Any) -> dict[str, Any]:
    """Return the argument annotations of our own targets; third-party ones are not checked."""
    if not target.__module__.startswith("cifar_lab."):
        return {}
    # A dataclass and its bases hold their fields' annotations; a plain class has them in __init__.
    is_plain_class = inspect.isclass(target) and not hasattr(target, "__dataclass_fields__")
    owner = target.__init__ if is_plain_class else target
    return typing.get_type_hints(owner, include_extras=True)


def _wrong_value(path: str, value: Any, annotation: Any) -> Iterator[tuple[str, str]]:
    annotation = annotation | WORDS[path] if path in WORDS else annotation
    try:
        adapter = _adapter(annotation)
    except TypeError:  # it cannot be hashed
        adapter = _adapter.__wrapped__(annotation)
    try:
        # As JSON, so that a list is accepted for a tuple while "3" is rejected as a number.
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        yield path, f"{path}={_shown(value)}: {reasons(error.errors())}"


@functools.cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    """Cached, as creating one takes longer than using it for all jobs of a sweep."""
    try:
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a dataclass must bring its own config
        return TypeAdapter(annotation)


def _shown(value: Any) -> str:
    return shortened(value if isinstance(value, str) else json.dumps(value))


def _nodes_within(path: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict) and "_target_" in value:
        yield path, value
    elif isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _nodes_within(f"{path}.{key}", inner)
