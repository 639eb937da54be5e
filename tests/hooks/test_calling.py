"""Hooks of a run from its first step to its end, and that the run is the same with them."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from cifar_lab.cli.main import main
from cifar_lab.hooks.calling import HookCalls
from cifar_lab.recipe.verify import faults
from cifar_lab.run.claim import claim
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from cifar_lab.run.store import Store
from tests.conftest import BESIDE, logged
from tests.hooks.looking import TOLD, Listening
from tests.made import entered

#: Two quick epochs of digits.
QUICK = [
    "dataset=digits", "dataset.limit_train_images=128", "model._target_=tests.hooks.looking.Random",
    "~model.width", "augmentation=none", "optimizer=sgd", "scheduler.max_lr=0.05",
    "trainer.epochs=2", "trainer.batch_size=64", "trainer.precision=float32", "device=cpu",
    "report.enabled=false", *BESIDE,
]  # fmt: skip
TIMES = {"epoch_seconds", "evaluation_seconds", "images_per_second"}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TOLD.clear()


def named(name: str, kind: str = "Listening", **values) -> str:
    node = {"_target_": f"tests.hooks.looking.{kind}", **values}
    return f"+hooks.{name}={json.dumps(node)}".replace('"', "")


def train(place, *words: str, status: int = 0) -> Run:
    assert main(["train", *QUICK, *words, f"hydra.run.dir={place}"]) == status
    return Run(RunFolder(place))


def weights(run: Run) -> dict[str, torch.Tensor]:
    return torch.load(run.folder.last_checkpoint, weights_only=True)["model"]


def assert_same_weights(one: Run, other: Run) -> None:
    for name, value in weights(one).items():
        assert torch.equal(weights(other)[name], value), name


def test_whatever_a_hook_does_the_run_is_bit_for_bit_the_same(tmp_path):
    plain = train(tmp_path / "plain")
    watched = train(tmp_path / "watched", named("careless", "Careless"), "hooks=gradient_norm")
    expected = [{k: v for k, v in row.items() if k not in TIMES} for row in plain.metrics]
    assert [{k: v for k, v in row.items() if k in expected[0]} for row in watched.metrics] == (
        expected
    )
    assert {"drawn", "gradient_norm"} <= watched.metrics[0].keys()
    assert_same_weights(plain, watched)


def test_each_method_is_called_in_its_turn_and_what_is_written_belongs_to_the_run(tmp_path, capsys):
    run = train(tmp_path / "run", named("it", gives={"mine": 2}), "report.enabled=true")
    epoch = ["columns", "on_epoch_end"]
    methods = ["on_run_start", *epoch, "reason_to_stop", *epoch, "on_run_end"]
    assert [method for method, _ in TOLD] == methods
    assert [seen for method, seen in TOLD if method == "columns"] == [0, 1]
    assert [seen for method, seen in TOLD if method == "on_epoch_end"] == run.metrics
    assert TOLD[-1] == ("on_run_end", True)
    assert [row["mine"] for row in run.metrics] == [2.0, 2.0]
    assert run.summary.final["mine"] == 2
    assert run.folder.figure("columns").is_file()
    written = run.folder.hook_file("it", "seen.txt")
    assert written.read_text() == "2 rows\n"
    assert "hooks.it: 1 file, 7 bytes, in " in capsys.readouterr().out
    assert run.files.listed("hooks") == [written]
    assert faults(run) == []
    written.write_text("3 rows\n")
    assert "seen.txt was refused: its SHA-256" in faults(Run(run.folder))[0]


def test_a_resumed_run_continues_its_columns_and_files(tmp_path):
    words = [named("it", gives={"mine": 1}), "hooks=confusions_by_epoch"]
    whole = train(tmp_path / "whole", *words)
    TOLD.clear()
    words[0] = named("it", gives={"mine": 1}, interrupts_after=1)
    cut = train(tmp_path / "cut", *words, status=130)
    assert TOLD[-1] == ("on_run_broken_off", "interrupted by SIGINT")
    TOLD.clear()
    assert main(["resume", str(cut.folder.path), *BESIDE]) == 0
    assert TOLD[0] == ("on_run_start", 1)
    resumed = Run(cut.folder)
    assert [row["mine"] for row in resumed.metrics] == [1, 1]
    assert_same_weights(whole, resumed)
    one, other = (
        np.load(run.folder.hook_file("confusions_by_epoch", "confusions.npz"))
        for run in (whole, resumed)
    )
    assert one["epochs"].tolist() == other["epochs"].tolist() == [1, 2]
    assert (one["confusions"] == other["confusions"]).all()


def test_a_run_is_read_without_its_hooks(tmp_path, capsys):
    """They may need what is not there: here their module, which nobody trusts."""
    run = train(tmp_path / "run", named("it"))
    for file in (run.folder.config, run.folder.written):
        file.write_text(file.read_text().replace("looking.Listening", "gone.Listening"))
    entered(run.folder)
    assert main(["eval", str(run.folder.path), *BESIDE]) == 0
    assert main(["rerun", str(run.folder.path), *BESIDE]) == 2
    assert "hooks.it._target_=tests.hooks.gone.Listening: " in capsys.readouterr().err


class Epochs:
    """Goes through epochs as the fit does, on a folder and a model of no consequence."""

    def __init__(self, path, *hooks: Listening, rows=()) -> None:
        self.folder = RunFolder(path)
        if not path.exists():
            claim(self.folder, {})
        self.model = nn.Linear(1, 1)
        learner = SimpleNamespace(model=self.model)
        by_name = {f"hook{n}": hook for n, hook in enumerate(hooks)}
        self.calls = HookCalls(by_name, Store(self.folder), {"seed": 0}, learner, None, rows)
        self.rows = list(rows)
        self.reason = None

    def __call__(self, count: int) -> list[dict[str, float]]:
        state = SimpleNamespace(evaluated_model=self.model)
        with self.calls.told_of_failure():
            self.calls.on_fit_start(state, count, 1)
            for _ in range(count):
                row = {"epoch": len(self.rows) + 1, "lr": 0.1}
                self.calls.on_epoch_evaluated(state, row)
                self.rows.append(row)
                self.reason = self.reason or self.calls.reason_to_stop(state)
            self.calls.end(SimpleNamespace())
        return self.rows


#: Of each method, how many of three epochs have its columns if it fails when it is first called.
GIVEN = {
    "on_run_start": 0, "columns": 0, "on_epoch_end": 1, "reason_to_stop": 1, "on_run_end": 3,
}  # fmt: skip


@pytest.mark.parametrize("method", GIVEN)
def test_a_hook_that_fails_is_told_once_and_left_out(tmp_path, caplog, method):
    failing = Listening({"mine": 1}, fails_in=method)
    with logged(caplog), caplog.at_level(logging.DEBUG, "cifar_lab"):
        rows = Epochs(tmp_path / "run", failing, Listening({"other": 2}))(3)
    (warning,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    (trace,) = [r for r in caplog.records if r.levelno == logging.DEBUG]
    assert warning.message == (
        f"hooks.hook0 failed in {method}: ValueError: planned; the run goes on without it"
    )
    assert trace.exc_info[0] is ValueError
    each = {"on_run_start": 2, "on_run_end": 2}.get(method, 4)  # once, and each epoch of the other
    assert [name for name, _ in TOLD].count(method) == each
    mine = [row.get("mine", math.nan) for row in rows]
    assert mine[: GIVEN[method]] == [1] * GIVEN[method]
    assert all(map(math.isnan, mine[GIVEN[method] :]))
    assert [row["other"] for row in rows] == [2] * 3


def test_what_is_no_failure_passes_through_and_the_hooks_are_told(tmp_path):
    failing = Listening(fails_in="columns", raises=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        Epochs(tmp_path / "run", Listening(), failing)(1)
    assert TOLD[-2:] == [("on_run_broken_off", "planned")] * 2


def test_a_worker_that_torch_reports_lost_is_no_failure_of_the_hook(tmp_path):
    class Lost(Listening):
        def columns(self, run):
            raise RuntimeError("DataLoader worker (pid 3) is killed by signal: Killed. ")

    with pytest.raises(RuntimeError, match="DataLoader worker"):
        Epochs(tmp_path / "run", Lost())(1)


def test_the_first_reason_to_stop_counts_and_is_one_line(tmp_path):
    epochs = Epochs(tmp_path / "run", Listening(), Listening(stops_after=2))
    epochs(3)
    assert epochs.reason == "hooks.hook1: enough seen"


def test_a_reason_that_is_no_sentence_is_a_failure(tmp_path, caplog):
    class Wordless(Listening):
        def reason_to_stop(self, run):
            return True

    with logged(caplog):
        epochs = Epochs(tmp_path / "run", Wordless())
        epochs(2)
    assert epochs.reason is None
    assert "failed in reason_to_stop: it must return a reason or None, got True; " in caplog.text


def test_a_hook_sees_copies_and_all_rows_of_a_resumed_run(tmp_path):
    class Changing(Listening):
        def on_epoch_end(self, run, row):
            super().on_epoch_end(run, row)
            row.clear()
            for each in run.rows:
                each.clear()

    rows = [{"epoch": 1, "lr": 0.1, "mine": 7.0, "gone": 8.0}]
    found = Epochs(tmp_path / "run", Changing({"mine": 1}), rows=rows)(1)
    assert TOLD[0] == ("on_run_start", 1)
    assert found[0] == {"epoch": 1, "lr": 0.1, "mine": 7.0, "gone": 8.0}
    assert (found[1]["mine"], list(found[1])) == (1, ["epoch", "lr", "mine", "gone"])
    assert math.isnan(found[1]["gone"])


@pytest.mark.slow
@pytest.mark.extra("lightning")
def test_where_several_processes_train_the_first_alone_calls_hooks(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    two = ["trainer=lightning", "trainer.devices=2", "trainer.batch_size=32"]
    plain = train(tmp_path / "plain", *two)
    words = ["hooks=[gradient_norm,confusions_by_epoch]", named("it"), named("c", "Careless")]
    watched = train(tmp_path / "watched", *two, *words)
    assert_same_weights(plain, watched)
    assert len([method for method, _ in TOLD if method == "on_epoch_end"]) == 2
    assert "failed" not in watched.folder.log.read_text()
    assert all(row["gradient_norm"] > 0 for row in watched.metrics)


@pytest.mark.slow
def test_each_job_of_a_sweep_has_hooks_of_its_own(tmp_path):
    words = ["-m", "seed=0,1", "hooks=[gradient_norm,confusions_by_epoch]"]
    assert main(["train", *QUICK, *words, f"hydra.sweep.dir={tmp_path / 'sweep'}"]) == 0
    runs = [Run(RunFolder(file.parent)) for file in tmp_path.glob("sweep/*/summary.json")]
    assert len(runs) == 2
    assert all(row["gradient_norm"] > 0 for run in runs for row in run.metrics)
    assert [len(run.files.listed("hooks")) for run in runs] == [1, 1]
    assert [faults(run) for run in runs] == [[], []]
