"""Words that name images, and names that are hard to show."""

from __future__ import annotations

from pathlib import Path

from cifar_lab.deploy import finding
from cifar_lab.deploy.finding import Failed, Handed, content_of, listed


def test_files_and_folders_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b/x/2.png", "b/1.png", "b/.hidden", "a.png", "-c.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    stdin = Handed("-", b"content")
    found = listed(["b", stdin, "-c.png", "a.png", "a.png"])
    names = ["b/1.png", "b/x/2.png", "-", "-c.png", "a.png", "a.png"]
    assert [each.name for each in found.images] == names
    assert found.images[2] is stdin
    assert (found.failed, found.hidden) == ([], 1)


def test_what_can_never_be_read_is_named_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("loop").mkdir()
    Path("loop/back").symlink_to("../loop")
    Path("itself").symlink_to("itself")
    found = listed(["nowhere", "empty", "loop", "itself", "nul\0"])
    assert found.images == [Handed("itself", Path("itself"))]  # which cannot be opened
    assert found.failed == [
        ("nowhere", "does not exist"),
        ("empty", "this folder holds no files"),
        ("loop/back", "a link that leads back to a folder above it"),
        ("nul\0", "does not exist"),
    ]


def test_an_endless_stream_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(finding, "MOST_BYTES", 1000)
    with open("/dev/zero", "rb") as endless:
        assert content_of("-", endless) == Handed("-", bytes(1001))


def test_names_are_shown_on_a_line():
    assert str(Failed("two\nlines \x1b[31m", "is odd")) == r"two\nlines \x1b[31m: is odd"


def test_long_names_are_cut():
    assert str(Failed("n" * 5000, "is long")) == f"{'n' * 250}… (5,000 characters): is long"
