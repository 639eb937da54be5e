"""Tests that files are written completely or not at all, and that a bad one is refused."""

from __future__ import annotations

import os

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
