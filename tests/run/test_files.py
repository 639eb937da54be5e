"""Tests that files are written completely or not at all, and that a bad one is refused."""

from __future__ import annotations

import errno
import os
import resource
import signal

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import read_json, write_atomically, write_json


@pytest.mark.parametrize("content", ["größer ×\n", b"\x00\xff"])
def test_a_file_is_written_into_a_folder_that_is_made(tmp_path, content):
    file = tmp_path / "deep" / "er" / "file"
    for _ in range(2):
        write_atomically(file, content)
        expected = content if isinstance(content, bytes) else content.encode("utf-8")
        assert file.read_bytes() == expected
        assert os.listdir(file.parent) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch, call):
    file = tmp_path / "file"
    write_atomically(file, "old")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(file, "new")
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}/file'") as raised:
        write_atomically(tmp_path / "file", "new")
    assert raised.value.errno == errno.ENOSPC


def test_a_real_limit_on_the_size_of_files_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "file"
    write_atomically(file, "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match=f"File too large: '{file}'"):
            write_atomically(file, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["file", f".file.{os.getpid()}.tmp"], ids=["file", "temporary"])
def test_a_link_is_replaced_and_not_followed(tmp_path, name):
    mine, folder = tmp_path / "mine", tmp_path / "run"
    mine.write_text("mine")
    folder.mkdir()
    (folder / name).symlink_to(mine)
    write_atomically(folder / "file", "content")
    assert (folder / "file").read_text() == "content"
    assert not (folder / "file").is_symlink()
    assert mine.read_text() == "mine"
    assert os.listdir(folder) == ["file"]


def test_content_is_on_the_disk_before_it_is_seen(tmp_path, monkeypatch):
    calls = []
    for call in ("fsync", "replace"):
        monkeypatch.setattr(os, call, note(calls, call, getattr(os, call)))
    write_atomically(tmp_path / "file", "content")
    assert calls == ["fsync", "replace"]


def test_json_reads_back_as_it_was_written(tmp_path):
    value = {"größe": [1, 2.5, None, True], "nested": {"a": "×"}}
    write_json(tmp_path / "value.json", value)
    assert read_json(tmp_path / "value.json") == value


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "could not be read: .+"),
        (b"\xff\xfe", "could not be read: .+"),
        (b"", "is not valid JSON: .+"),
        (b'{"a": 1', "is not valid JSON: .+"),
        (b"{}", "is empty"),
    ],
)
def test_json_that_is_missing_or_broken_is_refused(tmp_path, content, problem):
    file = tmp_path / "summary.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Refusal, match=rf"{file} {problem}; is this a finished run\?"):
        read_json(file)


def fail(*_):
    raise OSError("disk full")


def note(calls, name, function):
    def noted(*arguments):
        calls.append(name)
        return function(*arguments)

    return noted
