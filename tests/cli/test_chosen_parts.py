"""Optimizers, schedules, weights and sampling of a user's choice, in whole runs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
import torch
from torch.optim.lr_scheduler import ExponentialLR

from cifar_lab.cli.main import main
from cifar_lab.run.console import Progress
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics

QUICK = [
    "dataset=digits", "model.width=4", "trainer.epochs=2", "trainer.limit_batches=4",
    "trainer.batch_size=64", "trainer.precision=float32", "trainer.workers=0",
    "report.enabled=false", "device=cpu", "--config-dir", "conf",
]  # fmt: skip
MODULE = """
import torch
def rate(step, steps, *, peak):
    return peak * (1 - step / steps)
class Mine(torch.optim.Adam):
    def __init__(self, params, lr):
        super().__init__(params, lr=lr)
"""
OPTIONS = {
    "optimizer/mine.yaml": "_target_: own_parts_of_mine.Mine\nlr: 0.01\n",
    "scheduler/rate.yaml": "_target_: own_parts_of_mine.rate\npeak: 0.02\n",
    "scheduler/exp.yaml": "_target_: torch.optim.lr_scheduler.ExponentialLR\ngamma: 0.5\n",
}


@pytest.fixture(autouse=True)
def _own_parts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("own_parts_of_mine", None)  # that of another test's folder
    Path("own_parts_of_mine.py").write_text(MODULE)
    for name, text in OPTIONS.items():
        path = Path("conf") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["optimizer=torch", "optimizer.name=NAdam", "scheduler=exp", "trainer.head_lr_factor=3"],
        ["dataset.sampling=balanced", "criterion.class_weights=balanced"],
        [
            "dataset.sampling=balanced",
            "+augmentation.train.jitter={_target_:torchvision.transforms.v2.ColorJitter,hue:0.1}",
        ],
    ],
    ids=" ".join,
)
def test_a_run_interrupted_within_an_epoch_ends_as_one_that_never_was(words, monkeypatch):
    assert main(["train", *QUICK, *words, "hydra.run.dir=outputs/whole"]) == 0
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_batch_end", stop_in_the_second_epoch)
        assert main(["train", *QUICK, *words, "hydra.run.dir=outputs/stopped"]) == 143
    assert main(["resume", "outputs/stopped"]) == 0
    assert rates("whole") == rates("stopped")
    for name, value in weights("whole").items():
        assert torch.equal(value, weights("stopped")[name])


@pytest.mark.slow
def test_the_rates_of_a_run_are_those_of_torchs_scheduler():
    words = ["scheduler=exp", "optimizer.lr=0.04", "hydra.run.dir=outputs/run"]
    assert main(["train", *QUICK, *words]) == 0
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.04)
    scheduler, expected = ExponentialLR(optimizer, gamma=0.5), []
    for _ in range(2):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates("run") == expected


def test_a_check_shows_where_the_rates_come_from(capsys):
    assert main(["check", *QUICK, "optimizer=mine", "scheduler=rate"]) == 0
    assert "starts at 0.02, peaks at 0.02" in capsys.readouterr().out
    assert main(["check", *QUICK, "scheduler=exp"]) == 0
    assert "ExponentialLR, stepped after every epoch (scheduler.every=epoch)" in (
        capsys.readouterr().out
    )


def test_every_mistake_is_told_at_once_and_before_anything_runs(capsys):
    words = [
        "optimizer=mine", "+optimizer.power=3", "scheduler=rate", "~scheduler.peak",
        "criterion.class_weights=often", "dataset.sampling=fair", "trainer.head_lr_factor=0",
    ]  # fmt: skip
    assert main(["train", *QUICK, *words]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    keys = ["optimizer.power", "scheduler.peak", "criterion.class_weights", "dataset.sampling",
            "trainer.head_lr_factor"]  # fmt: skip
    assert len(told) == len(keys)
    assert all(any(key in line for line in told) for key in keys)
    assert not Path("outputs").exists()


def test_a_wrong_number_of_weights_is_told_with_both_counts(capsys):
    assert main(["check", *QUICK, "criterion.class_weights=[1,2,3]"]) == 2
    assert "has 3 numbers, but there are 10 classes" in capsys.readouterr().err


def test_an_optimizer_whose_step_size_no_schedule_changes_needs_a_constant_one(capsys):
    words = ["optimizer=torch", "optimizer.name=Rprop"]
    assert main(["check", *QUICK, *words]) == 2
    assert "OneCycle has no effect, because Rprop" in capsys.readouterr().err
    assert main(["check", *QUICK, *words, "scheduler=constant"]) == 0


def rates(name: str) -> list[float]:
    return [row["lr"] for row in read_metrics(RunFolder(Path("outputs") / name).metrics)]


def weights(name: str) -> dict[str, torch.Tensor]:
    path = RunFolder(Path("outputs") / name).last_checkpoint
    return torch.load(path, weights_only=True)["model"]


def stop_in_the_second_epoch(self, state) -> None:
    if state.epoch == 1 and state.batches_done == 2:
        signal.raise_signal(signal.SIGTERM)
