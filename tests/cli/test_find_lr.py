"""``find-lr``, and runs that look for their learning rate first."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from pathlib import Path

import pytest
import torch

from cifar_lab.cli.main import main
from cifar_lab.engine.lr_finder import RangeTest
from cifar_lab.run.console import Progress
from cifar_lab.run.files import read_json
from cifar_lab.run.find import find_runs
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics
from tests.made import without_its_time

pytestmark = pytest.mark.slow

QUICK = [
    "dataset=digits", "model.width=4", "trainer.epochs=2", "trainer.limit_batches=3",
    "trainer.batch_size=64", "trainer.precision=float32", "trainer.workers=0", "device=cpu",
    "report.averaged_images=0", "lr_finder.steps=20", "lr_finder.seeds=2",
    "lr_finder.start_lr=1e-3", "lr_finder.end_lr=1",
]  # fmt: skip
FIND = "scheduler.max_lr=find"


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder with a finished run that looked for its learning rate."""
    here, before = tmp_path_factory.mktemp("finished"), Path.cwd()
    os.chdir(here)
    try:
        assert main(["train", *QUICK, FIND, "hydra.run.dir=outputs/default/found"]) == 0
    finally:
        os.chdir(before)
    return here


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(finished, tmp_path) -> RunFolder:
    shutil.copytree(finished / "outputs", tmp_path / "outputs", symlinks=True)
    return RunFolder(Path("outputs/default/found"))


@pytest.fixture
def tests_made(monkeypatch) -> list[int]:
    """A number for each range test that is made."""
    made: list[int] = []
    test = RangeTest.run
    monkeypatch.setattr(RangeTest, "run", lambda *given: made.append(1) or test(*given))
    return made


def test_find_lr_prints_and_saves_what_the_seeds_suggest(capsys):
    assert main(["find-lr", *QUICK]) == 0
    said = capsys.readouterr().out.splitlines()
    (record,) = Path("outputs/find-lr/default").glob("*/*/lr_finder.json")
    found = json.loads(record.read_text())
    assert record.with_name("lr_finder.png").read_bytes().startswith(b"\x89PNG")
    assert [each["seed"] for each in found["seeds"]] == [0, 1]
    assert found["seeds"][0]["losses"] != found["seeds"][1]["losses"]
    assert said[-1] == found["override"] == f"scheduler.max_lr={found['max_lr']:.3g}"
    assert re.split(r"\s{2,}", said[2].strip())[1:] == [
        "steepest descent",
        "valley",
        "minimum / 10",
    ]
    assert found["command"].startswith("cifar-lab find-lr dataset=digits")
    assert list(find_runs(Path("outputs"))) == []
    assert main(["check", *QUICK, said[-1]]) == 0


def test_the_seeds_are_those_of_runs_with_these_seeds():
    for seed, seeds in ((4, 2), (5, 1)):
        words = [f"seed={seed}", f"lr_finder.seeds={seeds}", f"name=from{seed}"]
        assert main(["find-lr", *QUICK, *words]) == 0
    found = {
        seed: read_json(next(Path(f"outputs/find-lr/from{seed}").rglob("*.json")))["seeds"]
        for seed in (4, 5)
    }
    assert found[4][1] == found[5][0]


def test_every_mistake_is_told_before_anything_runs(capsys):
    words = ["lr_finder.steps=1", "lr_finder.spacing=cubic", "scheduler.max_lr=fnd", "seed=-1"]
    assert main(["find-lr", *words, "trainer.max_lr=find"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 5
    assert "error: scheduler.max_lr=fnd: must be a valid number or must be 'find'" in told
    assert main(["find-lr", "dataset=digits", "lr_finder.start_lr=3", "lr_finder.end_lr=2"]) == 2
    assert "start_lr=3 must be below end_lr=2" in capsys.readouterr().err
    assert main(["find-lr", "dataset=digits", "-m"]) == 2
    capsys.readouterr()
    assert main(["find-lr", "dataset=digits", "trainer=lightning", "trainer.devices=2"]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.endswith("that `cifar-lab find-lr trainer=native trainer.batch_size=1024` finds")
    assert not Path("outputs").exists()


def test_a_run_that_finds_is_trained_as_one_that_was_given_the_number(run):
    found = read_json(run.lr_finder)
    assert found["override"] == f"scheduler.max_lr={found['max_lr']:.3g}"
    words = [found["override"], "report.enabled=false", "hydra.run.dir=outputs/default/given"]
    assert main(["train", *QUICK, *words]) == 0
    given = RunFolder(Path("outputs/default/given"))
    assert rows(run) == rows(given)
    for name, value in weights(given).items():
        assert torch.equal(value, weights(run)[name]), name
    assert not given.lr_finder.exists()


def test_what_is_read_of_the_run_has_the_recorded_number(run, tests_made, capsys):
    recorded = read_json(run.lr_finder)["max_lr"]
    for path in (run.report, run.figure("learning_rate"), run.figure("lr_finder")):
        assert path.is_file()
    before = without_its_time(run.report)
    assert (
        f"learning rate to {recorded:.3g}, the median suggestion by steepest descent over 2 seeds"
        in before
    )
    assert main(["report", str(run.path)]) == 0
    assert without_its_time(run.report) == before
    assert main(["eval", str(run.path)]) == 0
    assert "difference +0.00 points" in capsys.readouterr().out
    assert tests_made == []


def test_rerun_finds_again(run, tests_made):
    assert main(["rerun", str(run.path), "report.enabled=false", "lr_finder.seeds=1"]) == 0
    assert len(tests_made) == 1
    again = RunFolder(Path("outputs/latest").resolve())
    assert len(read_json(again.lr_finder)["seeds"]) == 1


@pytest.mark.parametrize("moment", ["looking", "before the first checkpoint", "second epoch"])
def test_a_run_that_is_resumed_looks_once(moment, run, tests_made, monkeypatch):
    words = [*QUICK, FIND, "report.enabled=false", "hydra.run.dir=outputs/default/stopped"]
    stopped = RunFolder(Path("outputs/default/stopped"))
    with monkeypatch.context() as patched:
        if moment == "looking":
            test = RangeTest.curve
            patched.setattr(RangeTest, "curve", lambda *given: stop() or test(*given))
        elif moment == "second epoch":
            patched.setattr(Progress, "on_batch_end", stop_in_the_second_epoch)
        else:
            patched.setattr(Progress, "on_fit_start", lambda *_: stop())
        assert main(["train", *words]) == 143
    looked = len(tests_made)
    assert looked == (1 if moment == "looking" else 2)
    assert stopped.last_checkpoint.is_file() == (moment == "second epoch")
    assert main(["resume", str(stopped.path)]) == 0
    assert len(tests_made) - looked == (2 if moment == "looking" else 0)
    assert rows(stopped) == rows(run)
    assert read_json(stopped.lr_finder)["max_lr"] == read_json(run.lr_finder)["max_lr"]


def test_where_no_loss_falls_nothing_is_trained_and_the_message_says_what_to_do(capsys):
    nowhere = ["lr_finder.start_lr=1e5", "lr_finder.end_lr=1e6", "lr_finder.suggestion=valley"]
    words = [*QUICK, *nowhere, "lr_finder.divergence=1"]
    assert main(["train", *words, FIND, "hydra.run.dir=outputs/run"]) == 1
    said = capsys.readouterr().out
    assert (
        said.count("no learning rate was found: valley has no suggestion between 100000 and 1e+06")
        == 1
    )
    assert "set scheduler.max_lr to a number" in said
    run = RunFolder(Path("outputs/run"))
    assert read_json(run.status)["state"] == "failed"
    assert read_json(run.lr_finder)["max_lr"] is None
    assert not run.metrics.exists()
    assert main(["find-lr", *words]) == 1
    assert capsys.readouterr().out.count("no learning rate was found") == 1
    assert len(list(Path("outputs/find-lr").rglob("lr_finder.png"))) == 1


def test_before_it_was_found_rates_are_multiples_of_it(capsys):
    assert main(["check", *QUICK, FIND]) == 0
    assert "times the maximum, which the run finds before training" in capsys.readouterr().out
    assert main(["show", "schedule", *QUICK, FIND]) == 0
    said = capsys.readouterr().out
    assert "the run finds the maximum before training; these are multiples of it:" in said
    assert "largest: 1;" in said
    assert main(["check", *QUICK]) == 0
    assert "times the maximum" not in capsys.readouterr().out


@pytest.mark.parametrize("scheduler", ["constant", "cosine", "multistep", "triangular"])
def test_every_schedule_can_be_given_what_is_found(scheduler):
    from cifar_lab import assembly
    from cifar_lab.config.compose import Composer, job_part

    words = [*QUICK, f"scheduler={scheduler}", "trainer.epochs=30", FIND]
    experiment = assembly.experiment(job_part(Composer().compose(words)))
    assert experiment.finds_max_lr
    found = experiment.with_max_lr(0.25)
    assert not found.finds_max_lr
    for step in (0, 50, 300):
        unit = experiment.schedule.learning_rate(step)
        assert found.schedule.learning_rate(step) == pytest.approx(0.25 * unit)


def stop() -> None:
    signal.raise_signal(signal.SIGTERM)


def stop_in_the_second_epoch(_: Progress, state) -> None:
    if (state.epoch, state.batches_done) == (1, 2):
        stop()


def rows(run: RunFolder) -> list[dict[str, float]]:
    return [
        {k: v for k, v in row.items() if not k.endswith(("_seconds", "_per_second"))}
        for row in read_metrics(run.metrics)
    ]


def weights(run: RunFolder) -> dict[str, torch.Tensor]:
    return torch.load(run.last_checkpoint, weights_only=True)["model"]
