"""Tests that only what a finished run no longer needs is deleted, and its manifest stays right."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import write_object
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.pruning import prune, resumable_files
from cifar_lab.run.record import Run
from tests.made import a_run, a_status

KEPT = Path(__file__).parents[1] / "kept_runs"


def test_the_last_checkpoint_of_a_finished_run_is_deleted_and_the_manifest_forgets_it(tmp_path):
    folder = a_run(tmp_path / "run")
    assert resumable_files(Run(folder)) == [folder.last_checkpoint]
    assert prune(Run(folder)) == len(b"the last one")
    assert not folder.last_checkpoint.exists()
    assert folder.best_checkpoint.read_bytes() == b"the best"
    manifest = Run(folder).files.manifest
    assert {"checkpoints/best.pt", "summary.json"} < set(manifest.files)
    assert "checkpoints/last.pt" not in {*manifest.files, *manifest.pending}
    assert resumable_files(Run(folder)) == []
    assert prune(Run(folder)) == 0


@pytest.mark.parametrize("state", ["running", "interrupted", "failed"])
def test_what_a_run_may_be_resumed_from_is_kept(tmp_path, state):
    folder = a_run(tmp_path / "run", state)
    assert resumable_files(Run(folder)) == []
    assert prune(Run(folder)) == 0
    assert folder.last_checkpoint.is_file()


@pytest.mark.parametrize("state", ["interrupted", "failed"])
def test_a_run_that_ended_before_its_report_can_still_be_resumed(tmp_path, state):
    folder = a_run(tmp_path / "run")
    write_object(folder.status, a_status(state=state))
    assert Run(folder).finished
    assert resumable_files(Run(folder)) == []


def test_without_a_best_checkpoint_the_last_one_is_kept(tmp_path):
    folder = a_run(tmp_path / "run")
    folder.best_checkpoint.unlink()
    assert resumable_files(Run(folder)) == []


def test_beside_a_damaged_best_checkpoint_the_last_one_is_kept(tmp_path):
    folder = a_run(tmp_path / "run")
    folder.best_checkpoint.write_bytes(b"the pest")
    with pytest.raises(Refusal, match=r"best\.pt was refused: its SHA-256 is not the one"):
        prune(Run(folder))
    assert folder.last_checkpoint.read_bytes() == b"the last one"


def test_of_an_older_run_the_hash_goes_with_its_checkpoint(tmp_path):
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(KEPT / "validated", folder.path)
    last, hashed = folder.last_checkpoint, folder.path / "checkpoints" / "last.pt.sha256"
    expected = last.stat().st_size + hashed.stat().st_size
    assert resumable_files(Run(folder)) == [last, hashed]
    assert prune(Run(folder)) == expected
    left = sorted(path.name for path in last.parent.iterdir())
    assert left == ["best.pt", "best.pt.sha256"]
    stated = (last.parent / "best.pt.sha256").read_text().split()[0]
    assert hashlib.sha256(folder.best_checkpoint.read_bytes()).hexdigest() == stated


def test_beside_a_damaged_best_checkpoint_of_an_older_run_likewise(tmp_path):
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(KEPT / "validated", folder.path)
    folder.best_checkpoint.write_bytes(b"damaged")
    with pytest.raises(Refusal, match=r"best\.pt is truncated or was altered"):
        prune(Run(folder))
    assert folder.last_checkpoint.is_file()
