"""What a ``_target_`` may name: an allow-list by group, decided before anything is imported.

A configuration may be a stranger's, as that of every run that is handed on. Whatever it names is
called with arguments of its choice, so that only classes and functions that are made for it may be
named: never any callable of any package. Nothing outside of the allowed packages is imported to
find that out.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

from cifar_lab.nodes import KINDS, Kind
from cifar_lab.own_code import OwnCode, permitted
from cifar_lab.refusal import Refusal

#: A constant argument, such as class weights.
TENSOR = "torch.tensor"
#: All that such a node may hold.
TENSOR_KEYS = {"_target_", "data", "_args_", "_convert_"}


class NotAllowed(Refusal):
    """A target is not one that may be named; the message ends a sentence that names it."""


def problems(config: Mapping[str, Any], own: OwnCode) -> Iterator[tuple[str, str]]:
    """Yield every target of a configuration that may not be named, as (key, sentence).

    Args:
        config: as plain values, resolved.
        own: where modules of the user's own may come from.
    """
    for path, text in _escaped("", config):
        yield path, f"{path}={text}: a value may not contain '${{' once it is resolved"
    for path, node, is_argument in nodes(config):
        kind = KINDS.get(path.split(".")[0])
        try:
            refuse(node, kind, own, is_argument)
        except NotAllowed as error:
            yield path, f"{path}._target_={node['_target_']}: {error}"


def refuse(node: Mapping[str, Any], kind: Kind | None, own: OwnCode, is_argument: bool) -> None:
    """Refuse a node whose target may not be named; imports nothing.

    Args:
        node: has a ``_target_``.
        kind: what its group may name; None for a place where nothing may be.
        own: where modules of the user's own may come from.
        is_argument: whether it is an argument of another node.

    Raises:
        NotAllowed: it may not be named.
    """
    dotted = node["_target_"]
    if dotted == TENSOR and is_argument:
        _refuse_other_than_numbers(node)
    elif kind is None or not isinstance(dotted, str) or not _may_be_named(dotted, kind, own):
        raise NotAllowed(_allowed(kind, own))


def located(dotted: str, group: str | None, own: OwnCode) -> Any:
    """Return the class or function that a target names.

    Args:
        dotted: its name.
        group: of the node; None for that of any group.
        own: where modules of the user's own may come from.

    Raises:
        NotAllowed: it may not be named.
        ImportError, AttributeError: it does not exist.
    """
    if dotted == TENSOR:
        return getattr(importlib.import_module("torch"), "tensor")  # noqa: B009  # typed
    kinds = list(KINDS.values()) if group is None else [KINDS[group]] if group in KINDS else []
    refused = NotAllowed(_allowed(kinds[0] if len(kinds) == 1 else None, own))
    for kind in kinds:
        if _face(dotted, kind):
            return _of_face(dotted)
        if _library(dotted, kind) is not None:
            try:
                return _of_library(dotted, kind)
            except NotAllowed as error:  # another group may name it
                refused = error
    module, _, name = dotted.rpartition(".")
    file = own.file_of(module) if kinds else None
    if file is None:
        raise refused
    return _of_own(module, name, file, own)


def guard(node: Mapping[str, Any]) -> None:
    """Refuse to build a node that names, at any depth, what no group may name.

    The last door before something is called. The configuration was checked by group before, with
    messages for all of its problems.

    Raises:
        NotAllowed: a target may not be named.
    """
    codes = [*permitted(), OwnCode()]
    for path, text in _escaped("", node):
        raise NotAllowed(f"{path}={text}: a value may not contain '${{' once it is resolved")
    for _, inner, is_argument in nodes(node):
        dotted = inner["_target_"]
        if dotted == TENSOR and is_argument:
            _refuse_other_than_numbers(inner)
        elif dotted == TENSOR or not any(_is_located(dotted, own) for own in codes):
            raise NotAllowed(f"_target_={dotted} is not one that a configuration may name")


def _is_located(dotted: Any, own: OwnCode) -> bool:
    try:
        return isinstance(dotted, str) and located(dotted, None, own) is not None
    except (NotAllowed, ImportError, AttributeError):
        return False


def nodes(config: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield every node with a ``_target_`` at any depth: key, node, whether it is an argument."""

    def below(path: str, value: Any, inside: bool) -> Iterator[tuple[str, dict[str, Any], bool]]:
        is_node = isinstance(value, dict) and "_target_" in value
        if is_node:
            yield path, value, inside
        if isinstance(value, (dict, list)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, inner in items:
                yield from below(f"{path}.{key}" if path else str(key), inner, inside or is_node)

    yield from below("", config, False)


def own_modules(config: Mapping[str, Any], own: OwnCode) -> list[str]:
    """Return the names of the user's own modules that targets name."""
    names = [str(node["_target_"]).rpartition(".")[0] for _, node, _ in nodes(config)]
    return [name for name in dict.fromkeys(names) if own.file_of(name) is not None]


def _may_be_named(dotted: str, kind: Kind, own: OwnCode) -> bool:
    if _face(dotted, kind) or _library(dotted, kind) is not None:
        return True
    return own.file_of(dotted.rpartition(".")[0]) is not None


def _face(dotted: str, kind: Kind) -> bool:
    return any(dotted == face or dotted.rpartition(".")[0] == face for face in kind.faces)


def _library(dotted: str, kind: Kind) -> str | None:
    """Return the package of a library that a public dotted name lies in."""
    if any(part.startswith("_") or not part.isidentifier() for part in dotted.split(".")):
        return None
    return next((package for package in kind.bases if dotted.startswith(f"{package}.")), None)


def _of_face(dotted: str) -> Any:
    room, _, name = dotted.rpartition(".")
    module = importlib.import_module(room)
    if name not in module.__all__:
        public = ", ".join(module.__all__)
        raise AttributeError(f"{room} has no public name '{name}'; its public names are: {public}")
    return getattr(module, name)


def _of_library(dotted: str, kind: Kind) -> Any:
    package = _library(dotted, kind)
    assert package is not None
    module_name, _, name = dotted.rpartition(".")
    module = importlib.import_module(module_name)  # a file of the package, never an attribute
    found = getattr(module, name)
    bases = tuple(_attribute(base) for base in kind.bases[package])
    top = package.split(".")[0]
    is_class = isinstance(found, type) and issubclass(found, bases)
    # Hydra finds it by attributes from the top, which must not lead elsewhere.
    if not is_class or found.__module__.split(".")[0] != top or _by_attributes(dotted) != found:
        raise NotAllowed(f"must be {kind.called}")
    return found


def _of_own(module_name: str, name: str, file: Path, own: OwnCode) -> Any:
    own.make_importable()
    taken = own.shadowed_by(module_name)
    if taken is not None:
        raise NotAllowed(f"{taken}; rename {file.name}")
    module = importlib.import_module(module_name)
    found = getattr(module, name)
    is_whole = isinstance(found, (type, FunctionType))
    if not is_whole or own.file_of(str(found.__module__)) is None:
        raise NotAllowed(f"must be a class or function that {file} itself defines")
    return found


def _by_attributes(dotted: str) -> Any:
    top, *rest = dotted.split(".")
    found: Any = importlib.import_module(top)
    for name in rest:
        found = getattr(found, name, None)
    return found


def _attribute(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _refuse_other_than_numbers(node: Mapping[str, Any]) -> None:
    values = [node.get("data", []), node.get("_args_", [])]
    if node.keys() - TENSOR_KEYS or not all(map(_is_numbers, values)):
        raise NotAllowed("may be given plain numbers only, as data: [1.0, 2.0]")


def _is_numbers(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_numbers, value))
    return isinstance(value, (bool, int, float))


def _escaped(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield strings that Hydra would resolve once more while it builds."""
    if isinstance(value, str) and "${" in value:
        yield path, value
    elif isinstance(value, (Mapping, list)):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in items:
            yield from _escaped(f"{path}.{key}" if path else str(key), inner)


def _allowed(kind: Kind | None, own: OwnCode) -> str:
    """Return what may be named, as the end of a message."""
    if kind is None:
        return "no _target_ may be given here"
    faces = [f"a public name of {face}" if face.count(".") == 1 else face for face in kind.faces]
    library = [kind.called] if kind.called else []
    mine = "a class or function of your own, from a Python file beside --config-dir or here"
    return f"must be {', '.join([*faces, *library])}, or {mine}{own.instead}"
