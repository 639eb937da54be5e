"""Tests that every verb names a file that is not the one that the run wrote, and uses none such."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.refusal import Refusal
from cifar_lab.results.recorded import read_results
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.record import Run
from tests.made import entered, interrupted

QUICK = [
    "dataset=digits", "dataset.limit_train_images=200", "model=three_block", "model.widths=[4,4,4]",
    "augmentation=none", "trainer.epochs=2", "trainer.batch_size=32", "trainer.precision=float32",
    "trainer.test_time_flips=false", "report.misclassified=2", "report.averaged_images=20",
    "name=quick",
]  # fmt: skip
#: No results: they change all the time, or say what the manifest says.
LEFT_OUT = {"status.json", "run.log", ".lock", "manifest.json"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder with two finished runs, ``outputs/one`` and ``outputs/two``, and experiments/."""
    here, before = tmp_path_factory.mktemp("finished"), Path.cwd()
    os.chdir(here)
    try:
        assert main(["train", *QUICK, "hydra.run.dir=outputs/one"]) == 0
        words = ["hydra.run.dir=outputs/two", "seed=1", "report.enabled=false"]
        assert main(["train", *QUICK, *words]) == 0
        Path("experiments").mkdir()
    finally:
        os.chdir(before)
    return here


@pytest.fixture
def one(finished, tmp_path, monkeypatch) -> RunFolder:
    shutil.copytree(finished, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    return RunFolder(Path("outputs/one"))


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {
        path.relative_to(folder.path).as_posix(): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file() and path.name not in LEFT_OUT
    }


def test_the_manifest_lists_every_file_that_was_written(one):
    for words in ([], ["report", "one"], ["explain", "one", "--method", "gradcam,hirescam"]):
        assert not words or main(words) == 0
        manifest = json.loads(one.manifest.read_text())
        found = {name: hashlib.sha256(each).hexdigest() for name, each in contents(one).items()}
        assert {name: each["sha256"] for name, each in manifest["files"].items()} == found
        assert manifest["pending"] == {}
    assert {"summary.json", "report.html", ".hydra/config.yaml", "figures/curves.png"} < set(found)


def test_verbs_change_nothing_that_training_wrote(one):
    drawn = ("figures/", "attributions/", "report.")
    before = {k: v for k, v in contents(one).items() if not k.startswith(drawn)}
    identity = Run(one).id
    for words in (["report", "one", "report.misclassified=1"], ["explain", "one"], ["eval", "one"],
                  ["record", "one"]):  # fmt: skip
        assert main(words) == 0
    after = contents(one)
    assert {name: after[name] for name in before} == before
    assert Run(one).id == identity


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        ("eval", ".hydra/config.yaml"),
        ("eval", "provenance.json"),
        ("eval", "summary.json"),
        ("eval", "checkpoints/best.pt"),
        ("report", "metrics.csv"),
        ("report", "predictions.npz"),
        ("report", "model.txt"),
        ("report", "attributions/gallery.npz"),
        ("explain", "predictions.npz"),
        ("rerun", ".hydra/overrides.yaml"),
        ("rerun", ".hydra/written.yaml"),
        ("record", "data.json"),
        ("record", "report.html"),
        ("record", "figures/curves.png"),
        ("record", "checkpoints/last.pt"),
    ],
)
def test_one_flipped_bit_is_refused_by_the_verb_that_reads_it(one, verb, name, capsys):
    path = one.path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    before = contents(one)
    assert main([verb, "outputs/one"]) == 2
    said = capsys.readouterr()
    assert f"error: {path} was refused: its SHA-256 is not the one in manifest.json" in said.err
    assert contents(one) == before
    assert os.listdir("experiments") == []


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        ("eval", "summary.json"),
        ("eval", "provenance.json"),
        ("eval", ".hydra/config.yaml"),
        ("eval", "checkpoints/best.pt"),
        ("report", "metrics.csv"),
    ],
)
def test_another_runs_file_is_refused(one, verb, name, capsys):
    two = RunFolder(Path("outputs/two"))
    shutil.copy(two.path / name, one.path / name)
    assert main([verb, "outputs/one"]) == 2
    assert f"error: {one.path / name} was refused" in capsys.readouterr().err


def test_another_runs_checkpoint_is_refused_even_with_its_entry(one, capsys):
    two = RunFolder(Path("outputs/two"))
    shutil.copy(two.best_checkpoint, one.best_checkpoint)
    entered(one)
    assert main(["eval", "outputs/one"]) == 2
    said = capsys.readouterr().err
    assert f"{one.best_checkpoint} belongs to run {Run(two).id}, but this is run {Run(one).id}" in (
        said
    )


def test_a_lost_manifest_is_noticed(one, capsys):
    one.manifest.unlink()
    assert main(["eval", "outputs/one"]) == 2
    said = capsys.readouterr().err
    assert "note: outputs/one has no manifest.json" in said
    assert "restore a copy of manifest.json" in said


@pytest.mark.parametrize("how", ["lost", "changed", "short"])
def test_resume_writes_the_metrics_again_from_the_checkpoint(one, how, capsys):
    before, rows = Run(one).summary, one.metrics.read_text()
    interrupted(one)
    if how == "lost":
        one.metrics.unlink()
    elif how == "changed":
        one.metrics.write_text(rows.replace("\n1,", "\n1,9"))
    else:
        one.metrics.write_text("".join(rows.splitlines(keepends=True)[:2]))
    assert main(["resume", "outputs/one"]) == 0
    assert str(one.metrics) in capsys.readouterr().out
    assert one.metrics.read_text() == rows
    after = Run(one).summary
    assert (after.final, after.validation, after.test) == (
        before.final, before.validation, before.test,
    )  # fmt: skip
    assert after.training_seconds == before.training_seconds
    assert after.epochs_trained == len(read_metrics(one.metrics)) == 2


def test_a_run_that_is_not_whole_is_not_recorded(one, capsys):
    rows = one.metrics.read_text().splitlines(keepends=True)
    one.metrics.write_text("".join(rows[:-1]))
    entered(one)
    assert main(["record", "outputs/one", "outputs/two"]) == 2
    assert "metrics.csv must have a row for each of the 2 epochs" in capsys.readouterr().err
    assert os.listdir("experiments") == []
    assert main(["record", "outputs/two"]) == 0
    (recorded,) = read_results(Path("experiments/results"))
    assert recorded.id == Run(RunFolder(Path("outputs/two"))).id
    assert recorded.summary.name == "quick"
    recorded.folder.metrics.write_text("".join(rows))
    with pytest.raises(Refusal, match=f"{recorded.folder.metrics} was refused"):
        assert Run(recorded.folder).metrics
