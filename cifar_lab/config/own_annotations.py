"""Annotations of a user's own arguments against which values of a YAML file can be checked."""

from __future__ import annotations

import collections.abc
import inspect
import sys
import types
import typing
from typing import Annotated, Any, Literal, Union

from cifar_lab.own_code import permitted

#: Types that a value of a YAML file has.
PLAIN = (bool, int, float, str, type(None), None)
#: Types that hold others.
HOLDING = (list, tuple, dict, collections.abc.Sequence, collections.abc.Mapping)


def own_annotations(target: Any) -> dict[str, Any]:
    """Return the arguments of a class or function of the user's own whose types are plain.

    Others, e.g. of modules that are built from nodes, are left out, as are names that only a type
    checker imports. An argument whose default is None may be None.
    """
    if not any(code.file_of(str(target.__module__)) for code in permitted()):
        return {}
    owner = target.__init__ if inspect.isclass(target) else target
    known = vars(sys.modules.get(str(getattr(owner, "__module__", "")), types)) | {}
    found = {}
    for name, written in getattr(owner, "__annotations__", {}).items():
        if name == "return":
            continue
        holder = type("Holder", (), {"__annotations__": {name: written}})
        try:
            annotation = typing.get_type_hints(holder, known, include_extras=True)[name]
        except Exception:  # whatever a user writes there
            continue
        if _is_plain(annotation):
            found[name] = annotation
    defaults = {n: p.default for n, p in inspect.signature(target).parameters.items()}
    return {n: a | None if defaults.get(n, ...) is None else a for n, a in found.items()}


def _is_plain(annotation: Any) -> bool:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _is_plain(inner[0])
    if origin is Literal:
        return True
    if origin in (Union, types.UnionType) or origin in HOLDING:
        return all(each is ... or _is_plain(each) for each in inner)
    return annotation in PLAIN or annotation in HOLDING
