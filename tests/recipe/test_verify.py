"""Tests that a run is found faulty exactly if a file is not what it was, or contradicts another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cifar_lab.recipe.verify import faults, refuse_faulty
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.manifest import Manifest, entry, write_manifest
from cifar_lab.run.record import Run

KEPT = Path(__file__).parents[1] / "kept_runs"
LEFT_OUT = {"status.json", "run.log"}


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    """A finished run of three epochs, from before runs had a manifest."""
    shutil.copytree(KEPT / "validated", tmp_path / "run")
    return RunFolder(tmp_path / "run")


def with_manifest(folder: RunFolder) -> dict[str, Path]:
    """Gives the run a manifest; returns its files by name."""
    files = {
        path.relative_to(folder.path).as_posix(): path
        for path in folder.path.rglob("*")
        if path.is_file() and path.suffix != ".sha256" and path.name not in LEFT_OUT
    }
    entries = {name: entry(path.read_bytes()) for name, path in files.items()}
    write_manifest(folder.manifest, Manifest.of("0" * 32, entries))
    return files


def test_a_whole_run_has_no_faults(folder):
    assert faults(Run(folder)) == []


def test_an_unfinished_and_a_failed_run_are_named(folder):
    status = json.loads(folder.status.read_text())
    folder.status.write_text(json.dumps({**status, "state": "failed"}))
    assert faults(Run(folder)) == [
        f"{folder.path} is not done but failed; continue it with `cifar-lab resume {folder.path}`"
    ]
    folder.summary.unlink()
    assert faults(Run(folder)) == [f"{folder.path} is not finished: it has no summary.json"]


def rows(text: str) -> list[str]:
    return text.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "".join(rows(text)[:-1]), "metrics.csv must have a row for each of the 3"),
        (lambda text: text[: len(text) // 2], "metrics.csv"),
        (lambda text: rows(text)[0], "metrics.csv could not be read: it has no rows"),
        (lambda text: "garbage", "metrics.csv could not be read"),
        (lambda text: text.replace("\n3,", "\n4,"), "metrics.csv must have a row for each"),
        (lambda text: "".join([*rows(text)[:-1], changed(rows(text)[-1])]), "last row of metrics"),
    ],
)
def test_metrics_that_are_not_the_runs_are_named(folder, change, said):
    folder.metrics.write_text(change(folder.metrics.read_text()))
    (problem,) = faults(Run(folder))
    assert said in problem
    assert str(folder.path) in problem


def changed(row: str) -> str:
    """The row with another second value."""
    first, second, rest = row.split(",", 2)
    return f"{first},{float(second) + 0.5},{rest}"


@pytest.mark.parametrize(
    "content", ["", "{", "a: 1\n", "[1]\n", "name: 3\nmodel: 5\n", "optimizer:\n  lr: no\n"]
)
def test_a_configuration_of_another_shape_is_named(folder, content):
    folder.config.write_text(content)
    problems = faults(Run(folder))
    assert problems
    assert all(str(folder.config) in problem for problem in problems)


def test_a_configuration_of_another_run_is_named(folder):
    text = folder.config.read_text()
    folder.config.write_text(
        text.replace("name: validated", "name: other").replace("seed: 0", "seed: 5")
    )
    problems = faults(Run(folder))
    assert [f"{folder.path}: summary.json is of validated" in problems[0], len(problems)] == [
        True,
        2,
    ]
    assert "provenance.json has seed 0, but config.yaml has 5" in problems[1]


def test_another_reported_accuracy_is_named(folder):
    summary = json.loads(folder.summary.read_text())
    summary["validation"]["accuracy"] += 0.01
    folder.summary.write_text(json.dumps(summary))
    (problem,) = faults(Run(folder))
    assert "of metrics.csv does not have the validation accuracy" in problem


def test_predictions_with_another_number_of_errors_are_named(folder):
    with np.load(folder.predictions) as file:
        arrays = dict(file)
    arrays["logits"] = -arrays["logits"]
    np.savez_compressed(folder.predictions, **arrays)
    (problem,) = faults(Run(folder))
    assert "by predictions.npz" in problem


def test_an_altered_checkpoint_is_named(folder):
    flip(folder.best_checkpoint)
    (problem,) = faults(Run(folder))
    assert str(folder.best_checkpoint) in problem


def test_every_file_of_the_manifest_is_read_and_compared(folder):
    files = with_manifest(folder)
    expected = {name for name in files if name != "data.json"}
    assert len(expected) > 8
    for name in expected:
        before = files[name].read_bytes()
        flip(files[name])
        problems = faults(Run(folder))
        assert any(f"{files[name]} was refused" in problem for problem in problems), name
        files[name].unlink()
        problems = faults(Run(folder))
        assert any(str(name) in problem for problem in problems), name
        files[name].write_bytes(before)


def test_the_problems_of_all_runs_are_told_at_once(folder, tmp_path):
    shutil.copytree(folder.path, tmp_path / "other")
    other = RunFolder(tmp_path / "other")
    for each in (folder, other):
        each.metrics.write_text("garbage")
        each.provenance.write_text("{")
    with pytest.raises(Refusal) as refusal:
        refuse_faulty([Run(folder), Run(other)])
    assert len(refusal.value.problems) == 4


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
