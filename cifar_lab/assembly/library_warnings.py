"""Turns the warnings of one library into errors, and leaves those of every other library alone."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def refused_from(library: str) -> Iterator[None]:
    """Raise each warning that a library's own code issues inside.

    Decided by who called ``warnings.warn``: the module that a warning is attributed to is, with a
    ``stacklevel``, that of any caller. Warnings of other libraries are issued again afterwards,
    under the filters from outside.

    Args:
        library: name of the package.
    """
    others: list[tuple[Any, ...]] = []

    def show(message: Any, category: Any, filename: str, lineno: int, *_: Any, **__: Any) -> None:
        if _caller().split(".")[0] == library:
            raise message
        others.append((message, category, filename, lineno))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield
    for message, category, filename, lineno in others:
        warnings.warn_explicit(message, category, filename, lineno)


def _caller() -> str:
    """Return the name of the module that called ``warnings.warn``."""
    frame = sys._getframe(2)
    while frame.f_globals.get("__name__") == "warnings" and frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__"))
