"""What a file imports is found without running it."""

from __future__ import annotations

from cifar_lab.deploy.imports import imported

CONTENT = """
import typing
import os.path as path
from numpy import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas
else:
    import polars
if typing.TYPE_CHECKING:
    import jax

class A:
    def late(self):
        from . import beside
        from .inner import function
        from .. import above
        from ..far.off import thing
"""


def test_imports_count_wherever_they_stand_except_for_type_checkers():
    found = set(imported(CONTENT, "mine.nets"))
    assert found - {"typing", "typing.TYPE_CHECKING"} == {
        "os.path",
        "numpy",
        "numpy.array",
        "polars",
        "mine.nets",
        "mine.nets.beside",
        "mine.nets.inner",
        "mine.nets.inner.function",
        "mine",
        "mine.above",
        "mine.far.off",
        "mine.far.off.thing",
    }


def test_at_once_are_those_that_stand_alone():
    found = set(imported(CONTENT.encode(), "mine.nets", at_once=True))
    assert found == {"typing", "os.path", "numpy", "numpy.array", "typing.TYPE_CHECKING"}
