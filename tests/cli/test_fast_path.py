"""The fast path computes what the plain one computes, and says how each of its pieces stood."""

from __future__ import annotations

import csv
import importlib
import json
from pathlib import Path

import pytest
import torch

from cifar_lab.cli.main import main
from cifar_lab.engine.step import EagerStep
from cifar_lab.engine.trainer import Trainer

DIGITS = [
    "experiments=digits", "model.width=4", "trainer.epochs=2", "trainer.limit_batches=4",
    "trainer.batch_size=32", "trainer.precision=float32",
    # Small: at larger rates this network doubles differences of the last bit with every step.
    "optimizer.lr=0.0005", "report.enabled=false", "device=cpu",
    "+augmentation.train.flip._target_=cifar_lab.data.AlternatingFlip",
]  # fmt: skip
#: Every switch in its other position.
PLAIN = [
    "trainer.resident_data=false", "trainer.lowered_augmentation=false",
    "trainer.channels_last=false", "trainer.fused_optimizer=false",
    "trainer.captured_step=false", "trainer.background_checkpoints=false",
    "trainer.keep_freed_memory=false", "trainer.workers=0",
]  # fmt: skip


@pytest.fixture
def runs(tmp_path, monkeypatch) -> dict[str, Path]:
    """The same experiment on the fast path and on the plain one."""
    monkeypatch.chdir(tmp_path)
    folders = {}
    for name, switches in (("fast", []), ("plain", PLAIN)):
        assert main(["train", *DIGITS, f"name={name}", *switches]) == 0
        (folders[name],) = (tmp_path / "outputs" / name).glob("*/*")
    return folders


def test_losses_and_weights_are_those_of_the_plain_path(runs):
    fast, plain = (metrics(folder) for folder in runs.values())
    # Another memory format adds up in another order; training then doubles what differs in the
    # last bits again and again.
    for epoch, tolerance in ((0, 1e-4), (1, 1e-2)):
        for column in ("train_loss", "val_loss"):
            assert fast[epoch][column] == pytest.approx(plain[epoch][column], rel=tolerance)
    weights = [
        torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["model"]
        for folder in runs.values()
    ]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=1e-2, atol=1e-2)


def test_provenance_says_how_each_piece_stood(runs):
    fast, plain = (
        json.loads((folder / "provenance.json").read_text())["fast_path"]
        for folder in runs.values()
    )
    assert fast["augmentation"] == "on whole batches"
    assert fast["images"].startswith("resident")
    assert fast["step"] == "eager: the device is cpu"
    assert (fast["memory format"], fast["optimizer"]) == ("channels last", "fused")
    assert (fast["checkpoints"], fast["freed memory"]) == ("in the background", "kept")
    assert plain["augmentation"] == "image by image: batched augmentation is switched off"
    assert plain["step"] == "eager: switched off"
    assert (plain["memory format"], plain["optimizer"]) == ("contiguous", "not fused")
    assert (plain["checkpoints"], plain["freed memory"]) == (
        "in the training thread",
        "returned to the system",
    )


def test_summary_and_report_say_what_a_capture_came_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # As on CUDA, but with steps that turn out to run eagerly.
    monkeypatch.setattr(Trainer, "why_not_captured", lambda self, device: None)
    monkeypatch.setattr("cifar_lab.engine.trainer.CapturedStep", lambda eager, batch_size: eager)
    monkeypatch.setattr(EagerStep, "failure", "the CUDA graph could not be captured (a sync)")
    assert main(["train", *DIGITS, "name=uncaptured"]) == 0
    (folder,) = (tmp_path / "outputs" / "uncaptured").glob("*/*")
    reason = "the CUDA graph could not be captured (a sync)"
    assert json.loads((folder / "summary.json").read_text())["eager_because"] == reason
    assert "step: a CUDA graph" in (folder / "run.log").read_text()
    # What was known when the run began stays as it was written; the report knows better.
    planned = json.loads((folder / "provenance.json").read_text())["fast_path"]["step"]
    assert planned == "a CUDA graph"
    assert main(["report", str(folder)]) == 0
    report = " ".join((folder / "report.md").read_text().split())
    assert f"step: eager: {reason}" in report


def test_memory_that_the_system_does_not_let_us_keep_is_not_called_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    building = importlib.import_module("cifar_lab.assembly.experiment")  # a function has its name
    monkeypatch.setattr(building, "keep_freed_memory", lambda: False)
    assert main(["train", *DIGITS, "name=elsewhere", "trainer.epochs=1"]) == 0
    (folder,) = (tmp_path / "outputs" / "elsewhere").glob("*/*")
    fast_path = json.loads((folder / "provenance.json").read_text())["fast_path"]
    assert fast_path["freed memory"] == "returned to the system"


def test_a_step_without_a_batched_form_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noise = "+augmentation.train.noise._target_=albumentations.GaussNoise"
    assert main(["train", *DIGITS, noise, "trainer.workers=0", "name=noisy"]) == 0
    (folder,) = (tmp_path / "outputs" / "noisy").glob("*/*")
    said = json.loads((folder / "provenance.json").read_text())["fast_path"]["augmentation"]
    assert said == "image by image up to 'noise', which has no batched form"
    assert said in (folder / "run.log").read_text()


def test_test_time_flips_are_told_beside_the_accuracy_without_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *DIGITS, "trainer.test_time_flips=true", "name=flipped"]) == 0
    (folder,) = (tmp_path / "outputs" / "flipped").glob("*/*")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["test_without_flips"]["count"] == summary["test"]["count"]
    assert summary["test_without_flips"]["loss"] != summary["test"]["loss"]
    assert "with test-time flip averaging" in (folder / "run.log").read_text()


def metrics(folder: Path) -> list[dict[str, float]]:
    with (folder / "metrics.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
