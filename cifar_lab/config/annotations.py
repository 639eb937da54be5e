"""Compares configuration values with the annotations of the arguments that receive them."""

from __future__ import annotations

import functools
import inspect
import json
import typing
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from cifar_lab.config.own_annotations import own_annotations
from cifar_lab.nodes import FIND
from cifar_lab.refusal import reasons
from cifar_lab.wording import shortened

#: Special values, by key, that the build replaces before calling the constructor.
WORDS: dict[str, Any] = {"scheduler.max_lr": Literal[FIND]}


def annotations_of(target: Any) -> dict[str, Any]:
    """Return the argument annotations of our own targets and of the user's.

    Third-party ones are not checked.
    """
    if not target.__module__.startswith("cifar_lab."):
        return own_annotations(target)
    # A dataclass and its bases hold their fields' annotations; a plain class has them in __init__.
    is_plain_class = inspect.isclass(target) and not hasattr(target, "__dataclass_fields__")
    owner = target.__init__ if is_plain_class else target
    return typing.get_type_hints(owner, include_extras=True)


def wrong_value(path: str, value: Any, annotation: Any) -> Iterator[tuple[str, str]]:
    """Yield the problem of a value that an annotation does not allow, as (key, sentence)."""
    annotation = annotation | WORDS[path] if path in WORDS else annotation
    try:
        adapter = _adapter(annotation)
    except TypeError:  # it cannot be hashed
        adapter = _adapter.__wrapped__(annotation)
    try:
        # As JSON, so that a list is accepted for a tuple while "3" is rejected as a number.
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        yield path, f"{path}={shown_value(value)}: {reasons(error.errors())}"


@functools.cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    """Cached, as creating one takes longer than using it for all jobs of a sweep."""
    try:
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:  # a dataclass must bring its own config
        return TypeAdapter(annotation)


def shown_value(value: Any) -> str:
    """Return a value as text that is not too long."""
    return shortened(value if isinstance(value, str) else json.dumps(value))
