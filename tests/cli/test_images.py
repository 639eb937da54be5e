"""Images that words, a list or standard input name."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cifar_lab.cli.images import images_of
from cifar_lab.refusal import Refusal


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b c.png", "folder/d.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()


def stdin(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def test_standard_input_is_an_image(monkeypatch):
    stdin(monkeypatch, b"the image")
    found = images_of(["a.png", "-", "folder"], None).images
    assert [(each.name, each.file) for each in found] == [
        ("a.png", Path("a.png")),
        ("-", b"the image"),
        ("folder/d.png", Path("folder/d.png")),
    ]


def test_a_list_holds_a_path_on_each_line(monkeypatch):
    content = b"b c.png\r\n\nfolder\n\xff.png\n"
    Path("list").write_bytes(content)
    stdin(monkeypatch, content)
    for source in ("list", "-"):
        found = images_of(["a.png"], source)
        assert [each.name for each in found.images] == ["a.png", "b c.png", "folder/d.png"]
        assert found.failed == [(os.fsdecode(b"\xff.png"), "does not exist")]
        stdin(monkeypatch, content)


def test_a_list_that_cannot_be_read_is_refused():
    with pytest.raises(Refusal, match="--from nowhere could not be read: No such file"):
        images_of([], "nowhere")


def test_a_closed_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(Refusal, match="standard input is closed"):
        images_of(["-"], None)
