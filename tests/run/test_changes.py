"""What is said of a user's own files that are not as a run recorded them."""

from __future__ import annotations

import pytest

from cifar_lab.own_code import OwnCode
from cifar_lab.run import changes as module
from cifar_lab.run.changes import changes
from cifar_lab.run.code import Code, Module, hash_of
from cifar_lab.run.git import Git


@pytest.fixture
def code(tmp_path):
    file = tmp_path / "net.py"
    file.write_text("WIDTH = 1\n")
    modules = (Module("net", str(file), hash_of(file)),)
    return Code(None, (str(tmp_path),), modules, Git("a" * 40, dirty=False), None)


@pytest.fixture
def own(tmp_path):
    return OwnCode((tmp_path,), frozenset())


def test_files_that_are_as_they_were_are_no_change_whatever_the_commit(code, own, monkeypatch):
    monkeypatch.setattr(module, "git_of", lambda _: Git("b" * 40, dirty=False))
    assert changes(code, own) == []


def test_a_changed_file_is_one_line_and_its_new_commit_another(code, own, tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text("WIDTH = 2\n")
    said = f"{tmp_path / 'net.py'} has changed since the run"
    assert changes(code, own) == [said]
    monkeypatch.setattr(module, "git_of", lambda _: Git("a" * 40, dirty=True))
    assert changes(code, own) == [said]
    monkeypatch.setattr(module, "git_of", lambda _: Git("b" * 40, dirty=True))
    assert changes(code, own) == [
        said,
        "their commit was aaaaaaaaaaaa and is now bbbbbbbbbbbb (changed)",
    ]


def test_a_missing_and_a_moved_file_are_told_apart(code, tmp_path):
    (tmp_path / "new").mkdir()
    moved = (tmp_path / "net.py").rename(tmp_path / "new" / "net.py")
    file = tmp_path / "net.py"
    assert changes(code, OwnCode((tmp_path,))) == [f"{file} is missing; the run used it"]
    there = OwnCode((tmp_path / "new",))
    assert changes(code, there) == [f"{file} has moved to {moved}, unchanged since the run"]
    moved.write_text("WIDTH = 2\n")
    assert changes(code, there, "earlier jobs") == [
        f"{moved} is used instead of {file}, and has changed since earlier jobs"
    ]


def test_nothing_is_compared_where_no_file_is_used(code, tmp_path):
    (tmp_path / "net.py").unlink()
    assert changes(code, OwnCode((tmp_path,), copied=True)) == []
    assert changes(code, OwnCode()) == []
    assert changes(None, OwnCode((tmp_path,))) == []
