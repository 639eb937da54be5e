"""Which arguments of a user's own are checked against their annotations."""

from __future__ import annotations

import sys
from typing import Literal

import pytest

from cifar_lab.cli.main import main
from cifar_lab.config.own_annotations import own_annotations
from cifar_lab.own_code import beside
from cifar_lab.targets import located

TEXT = """
from __future__ import annotations
from typing import TYPE_CHECKING, Literal, Annotated, Sequence
from torch import nn, Tensor
from cifar_lab.bounds import PositiveInt
if TYPE_CHECKING:
    from nowhere import Unknown

class Net(nn.Module):
    def __init__(self, width: PositiveInt, act: nn.Module, other: Unknown, rest, depth: int = None,
                 kind: Literal["a", "b"] = "a", sizes: tuple[int, ...] | None = None,
                 share: float = 0.5, mean: Tensor | float = 0, names: list[str] = (),
                 *, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3 * 32 * 32, num_classes)

    def forward(self, images):
        return self.head(images.flatten(1))

def rate(step: int, steps: int, *, max_lr: float) -> float:
    return max_lr
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr("cifar_lab.own_code._PERMITTED", [])
    monkeypatch.delitem(sys.modules, "annotated_1", raising=False)
    (tmp_path / "annotated_1.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return beside(None, tmp_path)


def test_plain_types_are_kept_and_all_others_left_out(own):
    found = own_annotations(located("annotated_1.Net", "model", own))
    assert list(found) == ["width", "depth", "kind", "sizes", "share", "names", "num_classes"]
    assert found["depth"] == int | None
    assert found["kind"] == Literal["a", "b"]
    assert found["sizes"] == tuple[int, ...] | None
    rate = own_annotations(located("annotated_1.rate", "scheduler", own))
    assert rate["max_lr"] is float


def test_what_is_not_the_users_own_has_none():
    from torch import nn

    assert own_annotations(nn.Linear) == {}


def test_all_wrong_values_are_told_at_once_as_for_the_labs_own(own, capsys):
    values = ["depth=2.5", "kind=c", "sizes=[1,x]", "share=x", "act=1", "rest=x", "other=1"]
    words = ["model._target_=annotated_1.Net", "model.width=0", *(f"+model.{v}" for v in values)]
    assert main(["check", "dataset=digits", "device=cpu", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "model.width=0", "model.depth=2.5", "model.kind=c", 'model.sizes=[1, "x"]',
        "model.share=x",
    ]  # fmt: skip
