"""Validates configuration values against the signatures of the targets that receive them.

The keys of a node with ``_target_`` must match the target's arguments: none unknown, none missing,
each of the annotated type and range. ``SUPPLIED`` lists the arguments that the build adds, and
``BESIDES`` what else it creates from the same node.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from cifar_lab import targets
from cifar_lab.bounds import PositiveInt, Seed
from cifar_lab.config import named
from cifar_lab.config.annotations import annotations_of, shown_value, wrong_value
from cifar_lab.config.names import FolderName
from cifar_lab.config.wrapped import wrapper
from cifar_lab.contracts import Contract, contract
from cifar_lab.nodes import NOT_OF_A_RUN, OF_OTHER_GROUPS, TAKEN, without_taken
from cifar_lab.own_code import OwnCode
from cifar_lab.refusal import did_you_mean
from cifar_lab.run.origin import Parent
from cifar_lab.wording import first_sentence, shortened

#: Root keys that are values; the others are groups: a node or a dictionary of nodes each.
ROOT_VALUES: dict[str, Any] = {
    "name": FolderName,
    "seed": Seed,
    "device": str,
    "profile_batches": PositiveInt | None,
    "measure_work": bool,
    "evaluate_test": bool,
}
#: Root keys that only some runs have: that of the run that another one extends.
ROOT_OPTIONS: dict[str, Any] = {"extends": Parent}
#: Root keys that are groups, with the arguments that the build adds to their nodes.
SUPPLIED: dict[str, set[str]] = {
    "dataset": {"made", "arguments"},
    "model": {"num_classes", "image_size"},
    "augmentation": set(),
    "mixing": set(),
    "optimizer": {"model", "fused"},
    "scheduler": {"epochs", "steps_per_epoch"},
    "criterion": set(),
    "trainer": {"plan"},
    "lr_finder": set(),
    "report": set(),
    "hooks": set(),
    "sweep": set(),
}
ROOT_KEYS = [*ROOT_VALUES, *SUPPLIED, *OF_OTHER_GROUPS, *ROOT_OPTIONS]
#: What else is created from a group's node, whose arguments the node must hold as well.
BESIDES: dict[str, tuple[str, ...]] = {
    "trainer": ("cifar_lab.engine.Plan", "cifar_lab.assembly.Setup")
}
#: Most keys of a node, or unused keys, that are looked at one by one.
MOST_UNUSED = 200
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
    for key in OF_OTHER_GROUPS:
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
            yield from wrong_value(key, config[key], annotation)
        else:
            yield key, f"{key} is missing; a run needs it"
    step = functools.partial(node_problems, supplied=set(), own=own)
    for key in ROOT_OPTIONS.keys() & config.keys():
        yield from wrong_value(key, config[key], ROOT_OPTIONS[key])
    for group, supplied in SUPPLIED.items():
        if group in NOT_OF_A_RUN and group not in config:  # a run's own, as it was saved
            continue
        node = config.get(group)
        if group == "augmentation":
            yield from named.augmentation_problems(node, step)
        elif group == "hooks":
            yield from named.hook_problems(node, step)
        elif not isinstance(node, dict) or "_target_" not in node:
            yield (
                group,
                f"{group} must be a node with _target_, got {shown_value(node)}; choose an option",
            )
        else:
            for key in node.keys() & TAKEN.get(group, ()):
                yield from wrong_value(f"{group}.{key}", node[key], str | None)
            kept = without_taken(group, node)
            besides = BESIDES.get(group, ()) or wrapper(group, node, own)
            yield from node_problems(group, kept, supplied, besides, own)


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
    if dotted == targets.TENSOR:  # its numbers were checked, and it has no signature
        return
    terms = contract(path, target, supplied)
    if terms.refused is not None:
        yield path, f"{path}._target_={dotted}: {terms.refused}"
    else:
        yield from argument_problems(path, node, target, terms, besides, own)


def argument_problems(
    path: str,
    node: dict[str, Any],
    target: Any,
    terms: Contract,
    besides: Sequence[str] = (),
    own: OwnCode = OwnCode(),  # noqa: B008  # immutable
) -> Iterator[tuple[str, str]]:
    """Yield every problem of the arguments that a node holds, and of the nodes inside it.

    Args:
        path: the node's key.
        node: its values.
        target: class or function that is called with them.
        terms: how the lab calls it.
        besides, own: as for :func:`node_problems`.
    """
    for key in HYDRA_KEYS.keys() & node.keys():
        yield from wrong_value(f"{path}.{key}", node[key], HYDRA_KEYS[key])
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
    allowed = [n for n in [*settable, *terms.read] if n not in terms.supplied]
    annotations = {n: a for each in made for n, a in annotations_of(each).items()} | {**terms.read}
    for key, value in given.items():
        if key not in allowed and not takes_any:
            hint = did_you_mean(key, allowed)
            accepted = ", ".join(allowed) or "none"
            yield (
                f"{path}.{key}",
                f"{path}.{key}: {_not_taken(name, key, settable)}{hint}; "
                f"its arguments are: {accepted}{terms.supplies(settable)}",
            )
        elif value == "???":
            yield f"{path}.{key}", f"{path}.{key} must be set: {path}.{key}=…"
        elif key in annotations:
            yield from wrong_value(f"{path}.{key}", value, annotations[key])
        for inner_path, inner in _nodes_within(f"{path}.{key}", value):
            yield from node_problems(inner_path, inner, set(), own=own)
    for key in dict.fromkeys([*allowed, *terms.required]):
        optional = key in parameters and parameters[key].default is not inspect.Parameter.empty
        left_out = key in terms.unless_given | set(terms.read) or optional
        if key not in given and (key in terms.required or not left_out):
            yield f"{path}.{key}", f"{path}.{key} is missing; {name} needs it"


def _not_taken(name: str, key: str, settable: Sequence[str]) -> str:
    if key in settable:
        return f"the lab supplies this argument of {name}; remove it"
    return f"{name} has no argument '{key}'"


def _ours(dotted: str) -> Any:
    module_name, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module_name), name)


def _nodes_within(path: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict) and "_target_" in value:
        yield path, value
    elif isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _nodes_within(f"{path}.{key}", inner)
