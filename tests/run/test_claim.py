"""Tests that a folder has one owner, and that a claim is complete or never happened."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run import claim as module
from cifar_lab.run.claim import LEFT_AFTER_SECONDS, claim
from cifar_lab.run.find import find_runs
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run

FILES = {"config.yaml": "seed: 0\n", "hydra.yaml": "hydra: {}\n", "overrides.yaml": "- seed=0\n"}


def test_a_claimed_folder_holds_the_configuration_and_the_id(folder):
    identity = claim(folder, FILES)
    assert re.fullmatch(r"[0-9a-f]{32}", identity)
    run = Run(folder)
    assert run.id == identity
    assert run.config == {
        "seed": 0,
        **{key: run.config[key] for key in run.config if key != "seed"},
    }
    assert run.overrides == ["seed=0"]
    assert {path: (e.size, e.sha256) for path, e in run.files.manifest.files.items()} == {
        f".hydra/{name}": (len(text), hashlib.sha256(text.encode()).hexdigest())
        for name, text in FILES.items()
    }
    assert os.listdir(folder.path.parent) == [folder.path.name]


def test_ids_differ(tmp_path):
    ids = {claim(RunFolder(tmp_path / str(number)), FILES) for number in range(3)}
    assert len(ids) == 3


def test_a_run_from_before_has_no_id(folder):
    folder.path.mkdir(parents=True)
    assert Run(folder).id is None


def test_a_folder_claimed_twice_is_refused_and_stays_as_it_is(folder):
    identity = claim(folder, FILES)
    with pytest.raises(
        Refusal, match=f"{folder.path} is already used by another run; choose a new name"
    ):
        claim(folder, {"config.yaml": "seed: 1\n"})
    assert Run(folder).id == identity
    assert folder.config.read_text() == FILES["config.yaml"]
    assert os.listdir(folder.path.parent) == [folder.path.name]


def test_a_folder_with_something_else_in_it_is_refused(folder):
    folder.path.mkdir(parents=True)
    (folder.path / "notes.txt").write_text("mine")
    with pytest.raises(Refusal, match=f"{folder.path} is not empty; choose a new name"):
        claim(folder, FILES)
    assert os.listdir(folder.path) == ["notes.txt"]


def test_an_empty_folder_may_be_claimed(folder):
    folder.path.mkdir(parents=True)
    assert Run(folder).id != claim(folder, FILES)
    assert folder.exists()


def test_of_several_simultaneous_claims_one_succeeds(folder):
    barrier = threading.Barrier(8)

    def attempt(_):
        barrier.wait(30)
        try:
            claim(folder, FILES)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 1
    assert os.listdir(folder.path.parent) == [folder.path.name]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    folder = RunFolder(tmp_path / "file" / "run")
    with pytest.raises(Refusal, match=f"run folder {folder.path} could not be written: .+"):
        claim(folder, FILES)


@pytest.mark.parametrize("survived", range(6))
def test_a_process_that_dies_leaves_a_complete_run_or_none(folder, monkeypatch, survived):
    """Nothing is tidied up, as after SIGKILL: every write and the renaming may be the last."""
    steps = iter(range(100))

    def dies_at(step):
        def attempted(*arguments):
            if next(steps) == survived:
                raise Died
            return step(*arguments)

        return attempted

    for name in ("write_atomically", "write_manifest"):
        monkeypatch.setattr(module, name, dies_at(getattr(module, name)))
    monkeypatch.setattr(os, "rename", dies_at(os.rename))
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(Died):
        claim(folder, FILES)
    monkeypatch.undo()
    assert not folder.exists()
    assert list(find_runs(folder.path.parent)) == []
    assert claim(folder, FILES) == Run(folder).id
    assert len(list(find_runs(folder.path.parent))) == 1


def test_what_a_process_that_died_had_prepared_is_deleted_by_a_later_claim(folder):
    old, new = (folder.path.parent / f".run.{digit * 32}.claim" for digit in "ab")
    for path in (old, new):
        path.mkdir(parents=True)
    before = old.stat().st_mtime - LEFT_AFTER_SECONDS - 1
    os.utime(old, (before, before))
    claim(folder, FILES)
    assert sorted(os.listdir(folder.path.parent)) == sorted([new.name, folder.path.name])


class Died(BaseException):
    """Not caught by anything."""


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(Path(tmp_path) / "outputs" / "run")
