"""Files below a folder, in order, whatever lies there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from cifar_lab.data.walking import Found, walk


def test_files_are_in_the_order_of_their_paths(tmp_path):
    for name in ("b/2", "b/10", "a", "b/c/1", ".hidden", "b/.git/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = Found()
    assert walk(tmp_path, "", found) == ["a", "b/10", "b/2", "b/c/1"]
    assert sorted(found.stats) == ["a", "b/10", "b/2", "b/c/1"]
    assert sorted(found.hidden) == [".hidden", "b/.git"]
    assert walk(tmp_path, "b", Found()) == ["b/10", "b/2", "b/c/1"]


def test_what_can_never_be_read_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "a" / "file").touch()
    found = Found()
    assert walk(tmp_path, "", found) == ["a/file"]
    assert dict(found.unusable) == {
        "pipe": "a pipe, socket or device, not a file",
        "dangling": "a link to a file that does not exist",
        "itself": "a link that cannot be followed: Too many levels of symbolic links",
        "a/back": "a link that leads back to a folder above it",
    }


def test_folders_may_be_nested_deeper_than_calls(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    depth = 1200
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    Path("file").touch()
    try:
        assert walk(tmp_path, "", Found()) == ["d/" * depth + "file"]
    finally:  # shutil.rmtree would call itself for each level
        os.remove("file")
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("d")


def test_a_folder_that_may_not_be_listed_is_told(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    (tmp_path / "file").touch()
    scandir = os.scandir

    def refusing(path):
        if path.name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("os.scandir", refusing)
    found = Found()
    assert walk(tmp_path, "", found) == ["file"]
    assert found.unusable == [("closed", "Permission denied")]
