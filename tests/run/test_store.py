"""Tests that only what was written is read, and that a death is told apart from damage."""

from __future__ import annotations

import builtins
import itertools
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.claim import claim
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.status import locked
from cifar_lab.run.store import Store


def test_what_was_written_is_read(folder):
    Store(folder).write({folder.summary: "text", folder.figure("curves"): b"\x00\xff"})
    files = Store(folder)
    assert files.read(folder.summary) == b"text"
    assert files.read(folder.figure("curves")) == b"\x00\xff"
    assert set(files.manifest.files) == {".hydra/config.yaml", "summary.json", "figures/curves.png"}
    assert files.manifest.pending == {}


@pytest.mark.parametrize("bit", range(8))
def test_one_flipped_bit_is_refused_and_the_file_named(folder, bit):
    Store(folder).write({folder.provenance: "abc"})
    content = bytearray(folder.provenance.read_bytes())
    content[1] ^= 1 << bit
    folder.provenance.write_bytes(content)
    with pytest.raises(Refusal, match=rf"^{folder.provenance} was refused: its SHA-256 is not"):
        Store(folder).read(folder.provenance)


def test_another_runs_file_is_refused(folder, tmp_path):
    other = claimed(tmp_path / "outputs" / "other")
    for each, text in ((folder, "mine"), (other, "theirs")):
        Store(each).write({each.summary: text})
    folder.summary.write_bytes(other.summary.read_bytes())
    with pytest.raises(Refusal, match=rf"{folder.summary} .*damaged or replaced; restore a copy"):
        Store(folder).read(folder.summary)


def test_a_file_that_the_run_never_wrote_is_refused(folder):
    folder.summary.write_text("{}")
    with pytest.raises(Refusal, match=rf"{folder.summary} .* manifest\.json does not list it"):
        Store(folder).read(folder.summary)


def test_a_lost_file_is_named_and_still_the_runs(folder):
    files = Store(folder)
    assert not files.has(folder.summary)
    files.write({folder.summary: "text"})
    folder.summary.unlink()
    assert Store(folder).has(folder.summary)
    with pytest.raises(Refusal, match=rf"{folder.summary} is missing, but manifest\.json lists it"):
        Store(folder).read(folder.summary)


def test_a_file_that_is_needed_later_is_expected(folder):
    files = Store(folder)
    files.expect(folder.best_checkpoint)  # there never was one
    files.write({folder.best_checkpoint: "weights"})
    files.expect(folder.best_checkpoint)
    folder.best_checkpoint.write_text("weigh")
    with pytest.raises(Refusal, match=rf"{folder.best_checkpoint} has 5 bytes instead of 7"):
        files.expect(folder.best_checkpoint)
    folder.best_checkpoint.unlink()
    with pytest.raises(Refusal, match=rf"{folder.best_checkpoint} is missing"):
        files.expect(folder.best_checkpoint)


def test_a_file_that_never_was_is_missing_as_ever(folder):
    with pytest.raises(FileNotFoundError):
        Store(folder).read(folder.summary)


def test_what_can_be_drawn_again_may_be_deleted(folder):
    Store(folder).write({folder.gallery_maps: "maps"})
    folder.gallery_maps.write_text("other")
    with pytest.raises(Refusal, match=r"delete it, and `cifar-lab report` or `explain` will make"):
        Store(folder).read(folder.gallery_maps)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format": 2}', b'{"format": 2, "id": 1}', b"\xff"]
)
def test_a_damaged_manifest_is_refused_and_named(folder, content):
    folder.manifest.write_bytes(content)
    with pytest.raises(Refusal, match=f"^{folder.manifest}"):
        Store(folder).read(folder.config)


def test_a_run_from_before_is_read_and_written_without_a_manifest(tmp_path):
    folder = RunFolder(tmp_path / "before")
    Store(folder).write({folder.summary: "text"})
    files = Store(folder)
    assert files.read(folder.summary) == b"text"
    assert (files.id, files.manifest) == (None, None)
    assert os.listdir(folder.path) == ["summary.json"]


def test_the_manifest_is_opened_once_for_reading_and_writing(folder, monkeypatch):
    opened: list[str] = []
    real = builtins.open
    monkeypatch.setattr(
        "io.open", lambda path, *a, **k: (opened.append(str(path)), real(path, *a, **k))[1]
    )
    files = Store(folder)
    for _ in range(2):
        files.read(folder.config)
    for text in ("text", "other"):
        files.write({folder.summary: text})
        assert files.read(folder.summary) == text.encode()
    assert opened.count(str(folder.manifest)) == 1


def test_a_file_that_another_process_replaces_meanwhile_is_read(folder):
    reader, writer = Store(folder), Store(folder)
    writer.write({folder.trust: "old"})
    assert reader.read(folder.trust) == b"old"
    writer.write({folder.trust: "new", folder.summary: "text"})
    assert reader.read(folder.trust) == b"new"


def test_no_entry_is_lost_where_several_write_at_once(folder):
    def write(number: int) -> None:
        Store(folder).write({folder.attributions(str(number)): str(number)})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = Store(folder)
    assert [files.read(folder.attributions(str(n))) for n in range(8)] == [
        b"%d" % n for n in range(8)
    ]


#: Replacements of files in a write of two: the manifest, both files, the manifest.
STEPS = 4


@pytest.mark.parametrize("survived", range(STEPS))
def test_a_death_at_any_moment_is_no_damage(folder, monkeypatch, survived):
    Store(folder).write({folder.metrics: "old", folder.summary: "old"})
    dies_after(monkeypatch, survived, lambda: write_new(folder))
    files = Store(folder)
    read = [files.read(path) for path in (folder.metrics, folder.summary)]
    assert read == [b"new" if survived > n else b"old" for n in (1, 2)]
    write_new(folder)  # the verb is repeated
    assert_settled(folder, b"new")


@pytest.mark.parametrize("survived", range(STEPS))
def test_a_death_during_a_first_write_leaves_each_file_whole_or_absent(
    folder, monkeypatch, survived
):
    dies_after(monkeypatch, survived, lambda: write_new(folder))
    files = Store(folder)
    assert [files.has(path) for path in (folder.metrics, folder.summary)] == [
        survived > n for n in (1, 2)
    ]
    assert all(
        files.read(path) == b"new" for path in (folder.metrics, folder.summary) if path.exists()
    )
    write_new(folder)
    assert_settled(folder, b"new")


@pytest.mark.parametrize("survived", range(STEPS))
def test_another_verb_settles_what_a_dead_one_left(folder, monkeypatch, survived):
    Store(folder).write({folder.metrics: "old", folder.summary: "old"})
    dies_after(monkeypatch, survived, lambda: write_new(folder))
    Store(folder).write({folder.trust: "trust"})
    assert Store(folder).manifest.pending == {}
    files = Store(folder)
    assert files.read(folder.metrics) == (b"new" if survived > 1 else b"old")
    assert files.read(folder.trust) == b"trust"


@pytest.mark.parametrize("survived", range(STEPS))
def test_damage_after_a_death_is_still_damage(folder, monkeypatch, survived):
    Store(folder).write({folder.metrics: "old", folder.summary: "old"})
    dies_after(monkeypatch, survived, lambda: write_new(folder))
    folder.metrics.write_text("odd")
    Store(folder).write({folder.trust: "trust"})
    with pytest.raises(Refusal, match=f"{folder.metrics} was refused"):
        Store(folder).read(folder.metrics)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(range(STEPS), repeat=2)))
def test_two_deaths_in_a_row_are_no_damage(folder, monkeypatch, first, second):
    Store(folder).write({folder.metrics: "old", folder.summary: "old"})
    dies_after(monkeypatch, first, lambda: write_new(folder))
    dies_after(monkeypatch, second, lambda: write_new(folder, "newer"))
    files = Store(folder)
    assert {files.read(path) for path in (folder.metrics, folder.summary)} <= {
        b"old", b"new", b"newer",
    }  # fmt: skip
    write_new(folder)
    assert_settled(folder, b"new")


def test_a_writer_waits_for_another_process(folder, monkeypatch):
    monkeypatch.setattr("cifar_lab.run.store.PATIENCE_SECONDS", 0.1)
    process = os.fork()
    if process == 0:
        with locked(folder):
            (folder.path / "held").touch()
            time.sleep(30)
        os._exit(0)
    try:
        while not (folder.path / "held").exists():
            time.sleep(0.01)
        with pytest.raises(Refusal, match=f"{folder.path} is still running in another process"):
            Store(folder).write({folder.trust: "text"})
        assert not folder.trust.exists()
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)
    Store(folder).write({folder.trust: "text"})


def test_the_manifest_is_json_for_people_and_tools(folder):
    Store(folder).write({folder.trust: "abc"})
    written = json.loads(folder.manifest.read_text())
    assert list(written) == ["format", "id", "files", "pending", "checksum"]
    assert written["files"]["attributions/trust.json"] == {
        "size": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }


class Died(BaseException):
    """Nothing is written afterwards."""


def dies_after(monkeypatch, steps: int, action: Callable[[], None]) -> None:
    """Does something in a process that dies after some replacements of files."""
    replace, done = os.replace, []

    def dying(*arguments):
        if len(done) == steps:
            raise Died
        done.append(arguments)
        replace(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", dying)
        with pytest.raises(Died):
            action()


def write_new(folder: RunFolder, text: str = "new") -> None:
    Store(folder).write({folder.metrics: text, folder.summary: text})


def assert_settled(folder: RunFolder, content: bytes) -> None:
    files = Store(folder)
    assert [files.read(path) for path in (folder.metrics, folder.summary)] == [content] * 2
    assert files.manifest.pending == {}


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return claimed(Path(tmp_path) / "outputs" / "run")


def claimed(path: Path) -> RunFolder:
    claim(RunFolder(path), {"config.yaml": "seed: 0\n"})
    return RunFolder(path)
