"""Tests that hashes beside checkpoints vouch for them, and survive the death of a process."""

from __future__ import annotations

import hashlib
import itertools
import os
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.hashed import read_hashed, write_hashed

ALTERED = r"is truncated or was altered: its SHA-256 is not the one in last\.pt\.sha256"


def test_the_hash_file_is_in_the_form_of_sha256sum(checkpoint):
    for _ in range(2):
        save(checkpoint, 1)
        digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
        assert hash_file(checkpoint).read_text() == f"{digest}  last.pt\n"
        assert sorted(os.listdir(checkpoint.parent)) == ["last.pt", "last.pt.sha256"]


def test_a_checkpoint_without_its_hash_file_is_refused(checkpoint):
    save(checkpoint, 1)
    hash_file(checkpoint).unlink()
    with pytest.raises(Refusal, match=r"no manifest\.json, and there is no last\.pt\.sha256"):
        read_hashed(checkpoint)


def test_a_hash_file_that_is_not_text_is_refused(checkpoint):
    save(checkpoint, 1)
    hash_file(checkpoint).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refusal, match=ALTERED):
        read_hashed(checkpoint)


def test_blank_lines_in_a_hash_file_do_no_harm(checkpoint):
    save(checkpoint, 1)
    hash_file(checkpoint).write_text("\n" + hash_file(checkpoint).read_text() + "\n\n")
    assert epoch_of(checkpoint) == 1


def test_an_empty_hash_file_vouches_for_nothing(checkpoint):
    save(checkpoint, 1)
    hash_file(checkpoint).write_text("")
    with pytest.raises(Refusal, match=ALTERED):
        read_hashed(checkpoint)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(checkpoint, kept):
    save(checkpoint, 1)
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(Refusal, match=rf"{ALTERED}; restore a copy, or"):
        read_hashed(checkpoint)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.999])
def test_a_checkpoint_altered_by_one_byte_is_refused(checkpoint, place):
    save(checkpoint, 1)
    content = bytearray(checkpoint.read_bytes())
    content[int(place * len(content))] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(Refusal, match=ALTERED):
        read_hashed(checkpoint)


def test_an_earlier_checkpoint_put_beside_a_later_hash_is_refused(checkpoint):
    save(checkpoint, 1)
    earlier = checkpoint.read_bytes()
    save(checkpoint, 2)
    checkpoint.write_bytes(earlier)
    with pytest.raises(Refusal, match=ALTERED):
        read_hashed(checkpoint)


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_save_that_dies_between_its_writes_leaves_a_loadable_checkpoint(
    checkpoint, monkeypatch, dies_at
):
    save(checkpoint, 1)
    save_until(monkeypatch, checkpoint, 2, dies_at)
    assert epoch_of(checkpoint) == (1 if dies_at <= 2 else 2)
    save(checkpoint, 3)
    assert epoch_of(checkpoint) == 3
    assert len(hash_file(checkpoint).read_text().splitlines()) == 1


@pytest.mark.parametrize(("first", "second"), list(itertools.product([1, 2, 3], repeat=2)))
def test_two_saves_that_die_one_after_the_other_leave_a_loadable_checkpoint(
    checkpoint, monkeypatch, first, second
):
    save(checkpoint, 1)
    save_until(monkeypatch, checkpoint, 2, first)
    save_until(monkeypatch, checkpoint, 3, second)
    assert epoch_of(checkpoint) in (1, 2, 3)


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_first_save_that_dies_leaves_a_whole_checkpoint_or_none(checkpoint, monkeypatch, dies_at):
    save_until(monkeypatch, checkpoint, 1, dies_at)
    if checkpoint.exists():
        assert epoch_of(checkpoint) == 1
    save(checkpoint, 2)
    assert epoch_of(checkpoint) == 2


def test_a_save_makes_three_replacements(checkpoint, monkeypatch):
    """So that the tests above cover every point at which a process can die."""
    for epoch in (1, 2):
        save_until(monkeypatch, checkpoint, epoch, dies_at=4)
        assert epoch_of(checkpoint) == epoch


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    return tmp_path / "checkpoints" / "last.pt"


def save(path: Path, epoch: int) -> None:
    """Any content will do: a thousand times the number of the epoch."""
    write_hashed(path, bytes([epoch]) * 1000)


def epoch_of(path: Path) -> int:
    return read_hashed(path)[0]


def hash_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def save_until(monkeypatch, path: Path, epoch: int, dies_at: int) -> None:
    """Saves and dies at the n-th replacement; there are only three."""
    replace, calls = os.replace, []

    def dying(*arguments):
        calls.append(1)
        if len(calls) == dies_at:
            raise KeyboardInterrupt
        replace(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", dying)
        if dies_at <= 3:
            with pytest.raises(KeyboardInterrupt):
                save(path, epoch)
        else:
            save(path, epoch)
