"""Runs with mixing, policies and smaller images: trained, and taken up again within an epoch."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from cifar_lab.cli.main import main
from cifar_lab.run.console import Progress
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics

pytestmark = pytest.mark.slow

QUICK = [
    "dataset=digits", "model.width=4", "trainer.epochs=2", "trainer.limit_batches=4",
    "trainer.batch_size=64", "trainer.precision=float32", "trainer.workers=0",
    "optimizer.lr=0.01", "report.enabled=false", "device=cpu",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ["mixing=mixup"],
        ["mixing=cutmix", "trainer.accumulate_batches=2"],
        ["augmentation=trivial"],
        ["trainer.image_sizes=[[0,16],[1,24]]", "mixing=cutmix"],
        ["augmentation=randaugment", "mixing=cutmix", "criterion.label_smoothing=0.1"],
    ],
    ids=" ".join,
)
def test_a_run_interrupted_within_an_epoch_ends_as_one_that_never_was(words, monkeypatch):
    assert main(["train", *QUICK, *words, "hydra.run.dir=outputs/whole"]) == 0
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_batch_end", stop_in_the_second_epoch)
        assert main(["train", *QUICK, *words, "hydra.run.dir=outputs/stopped"]) == 143
    assert main(["resume", "outputs/stopped"]) == 0
    assert rows("whole") == rows("stopped")
    for name, value in weights("whole").items():
        assert torch.equal(value, weights("stopped")[name])


def test_a_policy_is_named_as_the_step_that_needs_workers():
    assert main(["train", *QUICK, "augmentation=trivial", "hydra.run.dir=outputs/run"]) == 0
    said = "image by image up to 'trivial', which has no batched form"
    assert said in RunFolder(Path("outputs/run")).log.read_text()


def test_mixing_no_batch_gives_the_numbers_of_no_mixing():
    choices = {"none": ["mixing=none"], "never": ["mixing=mixup", "mixing.p=0"],
               "always": ["mixing=mixup"]}  # fmt: skip
    for name, words in choices.items():
        assert main(["train", *QUICK, *words, f"hydra.run.dir=outputs/{name}"]) == 0
    assert rows("never") == rows("none") != rows("always")


def stop_in_the_second_epoch(_: Progress, state) -> None:
    if (state.epoch, state.batches_done) == (1, 2):
        signal.raise_signal(signal.SIGTERM)


def rows(name: str) -> list[dict[str, float]]:
    return [
        {k: v for k, v in row.items() if not k.endswith(("_seconds", "_per_second"))}
        for row in read_metrics(RunFolder(Path("outputs") / name).metrics)
    ]


def weights(name: str) -> dict[str, torch.Tensor]:
    checkpoint = RunFolder(Path("outputs") / name).last_checkpoint
    return torch.load(checkpoint, weights_only=True)["model"]
