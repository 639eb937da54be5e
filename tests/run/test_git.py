"""Commits of the package and of a user's own files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cifar_lab.run import git as module
from cifar_lab.run.git import Git, git_of, git_state


def test_a_committed_package_has_its_commit(checkout):
    commit = git(checkout, "rev-parse", "HEAD")
    assert git_state(checkout / "package") == Git(commit, dirty=False)


@pytest.mark.parametrize("file", ["package/module.py", "README.md", "new.py"])
def test_any_change_since_the_commit_makes_it_dirty(checkout, file):
    (checkout / file).write_text("changed")
    assert git_state(checkout).dirty is True


def test_asking_leaves_the_index_alone(checkout):
    """A run killed while git rewrites it would leave a lock, and nobody could commit."""
    file, index = checkout / "README.md", checkout / ".git" / "index"
    os.utime(file, (1, 1))  # now plain `git status` rewrites it
    before = index.read_bytes()
    assert git_state(checkout).dirty is False
    assert git_of([file]).dirty is False
    assert index.read_bytes() == before
    git(checkout, "status")
    assert index.read_bytes() != before


def test_what_record_writes_is_not_a_change(checkout):
    results = checkout / "experiments" / "results"
    (results / "mine").mkdir(parents=True)
    (results / "mine" / "summary.json").touch()
    (results.parent / "README.md").touch()
    assert git_state(checkout / "package").dirty is False
    (results.parent / "mine.yaml").touch()
    assert git_state(checkout / "package").dirty is True


def test_a_package_that_the_surrounding_checkout_does_not_hold_has_no_commit(checkout, monkeypatch):
    """For example, a wheel in a virtual environment inside an unrelated checkout."""
    installed = checkout / ".venv" / "module.py"
    installed.parent.mkdir()
    installed.touch()
    monkeypatch.setattr(module, "__file__", str(installed))
    assert git_state(installed.parent) is None


def test_a_package_outside_of_any_checkout_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) is None


def test_without_git_there_is_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_state(checkout) is None


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("a" * 40, Git("a" * 40, dirty=False)),
        ("0" * 40 + "-dirty\n", Git("0" * 40, dirty=True)),
        ("main", None),
        ("", None),
    ],
)
def test_where_git_cannot_tell_the_commit_is_the_stated_one(
    stated, expected, checkout, monkeypatch
):
    monkeypatch.setenv("CIFAR_LAB_COMMIT", stated)
    assert git_state(checkout).commit == git(checkout, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", "")
    assert git_state(checkout) == expected


def test_of_files_only_these_count_as_changed(checkout):
    file, other = checkout / "package" / "module.py", checkout / "README.md"
    commit = git(checkout, "rev-parse", "HEAD")
    other.write_text("changed")
    (checkout / "outputs").mkdir()
    (checkout / "outputs" / "run.log").touch()
    assert git_of([file]) == Git(commit, dirty=False)
    assert git_of([file, other]) == Git(commit, dirty=True)
    file.write_text("changed")
    assert git_of([file]) == Git(commit, dirty=True)
    assert git_of([file]).short == f"{commit[:12]} (changed)"


@pytest.mark.parametrize("ignored", [True, False])
def test_a_file_that_no_commit_holds_is_a_change(ignored, checkout):
    new = checkout / "package" / "new.py"
    new.touch()
    if ignored:
        (checkout / ".gitignore").write_text("new.py\n")
    assert git_of([checkout / "package" / "module.py", new]).dirty is True
    assert git_of([new]) is None


def test_files_outside_of_a_checkout_have_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "net.py").touch()
    assert git_of([tmp_path / "net.py"]) is None
    assert git_of([]) is None


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """A repository with one commit that appears to contain the package."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)  # a hook that runs the tests sets GIT_DIR
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    root = tmp_path / "checkout"
    (root / "package").mkdir(parents=True)
    for file in ("package/module.py", "README.md"):
        (root / file).write_text("content")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    git(root, *identity, "commit", "--quiet", "--message", "One")
    monkeypatch.setattr(module, "__file__", str(root / "package" / "module.py"))
    return root


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
