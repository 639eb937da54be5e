"""What is made around a user's own data set, and around nothing else."""

from __future__ import annotations

import sys

import pytest

from cifar_lab.config.wrapped import wrapper
from cifar_lab.own_code import OwnCode

CODE = """
from cifar_lab.data import Source

class Two:
    def train(self): ...
    def test(self): ...

class Whole(Source):
    pass

def made():
    return Two()
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "wrapped_data.py").write_text(CODE)
    yield OwnCode((tmp_path,))
    sys.modules.pop("wrapped_data", None)


@pytest.mark.parametrize(
    ("target", "wrapped"),
    [
        ("cifar_lab.data.Digits", False),
        ("wrapped_data.Whole", False),
        ("wrapped_data.Two", True),
        ("wrapped_data.made", True),
        ("wrapped_data.Missing", False),
        ("os.system", False),
    ],
)
def test_only_what_is_not_a_source_is_wrapped(own, target, wrapped):
    found = wrapper("dataset", {"_target_": target}, own)
    assert found == (("cifar_lab.data.OwnSource",) if wrapped else ())


def test_other_groups_are_not_wrapped(own):
    assert wrapper("model", {"_target_": "wrapped_data.Two"}, own) == ()
