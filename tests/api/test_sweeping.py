"""Sweeps are planned, run, opened and continued from Python as from the command line."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

import cifar_lab
from cifar_lab.config.compose import Composer
from cifar_lab.engine.interrupts import Interrupted
from cifar_lab.results.plan import read_plan
from cifar_lab.results.rows import append_row
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps import start
from cifar_lab.sweeps.ended import Outcome
from cifar_lab.sweeps.trusted import keep_plan
from tests.api.conftest import TINY
from tests.made import a_run
from tests.results.sweeps import a_plan, a_row


@pytest.fixture
def sweep(elsewhere) -> cifar_lab.Sweep:
    """Two widths with two seeds each, as they ended."""
    folder = SweepFolder(Path("outputs/tiny/day/time"))
    plan = a_plan({"16": {"model.width": "16"}, "32": {"model.width": "32"}}, seeds=2)
    folder.path.mkdir(parents=True)
    keep_plan(folder, plan, [], None)
    for number, accuracy in enumerate((80.0, 90.0, 80.2, 91.0)):
        append_row(folder, a_row(number, accuracy))
        if number < 3:
            a_run(folder.job(plan.jobs[number].name).path)
    return cifar_lab.open_sweep("tiny/day/time")


@pytest.fixture
def planned(elsewhere, monkeypatch):
    """What would run instead of running it."""
    found = []

    def run_nothing(composer, plan, request):
        keep_plan(plan.folder, plan.plan, plan.frozen, plan.hydra)
        found.append(plan.plan)
        return Outcome(plan.folder)

    monkeypatch.setattr(start, "_run", run_nothing)
    return found


def test_the_leaderboard_has_the_best_first_with_numbers(sweep):
    best, other = sweep.leaderboard
    assert (best["rank"], best["model.width"], best["n"]) == (1, 32, 2)
    assert best["val_accuracy_mean"] == pytest.approx(0.905)
    assert best["val_accuracy_sd"] == pytest.approx(0.00707107, abs=1e-6)  # by hand: 1/√2 points
    assert (other["model.width"], other["within_noise"]) == (16, False)
    frame = sweep.to_frame(["model.width", "val_accuracy_mean"])
    assert isinstance(frame, pandas.DataFrame)
    assert frame["model.width"].tolist() == [32, 16]


def test_its_runs_are_those_that_have_started(sweep):
    assert [run.path.name for run in sweep.runs] == ["16,seed=0", "32,seed=0", "16,seed=1"]
    assert isinstance(sweep.runs, cifar_lab.Runs)


def test_it_is_shown_by_its_leaderboard(sweep):
    assert "<th>val_accuracy_mean</th>" in sweep._repr_html_()
    assert repr(sweep).startswith("Sweep(outputs/tiny/day/time)\nrank  model.width")
    assert sweep.plan == read_plan(sweep.folder)


def test_a_sweep_plans_what_the_command_line_plans(planned):
    words = (*TINY, "optimizer.lr=0.1,0.2", "seed=range(2)")
    found = cifar_lab.sweep(*words, exclude=["optimizer.lr=0.2 seed=1"], timing=False)
    (plan,) = planned
    assert [job.name for job in plan.jobs] == [
        "optimizer.lr=0.1,seed=0", "optimizer.lr=0.2,seed=0", "optimizer.lr=0.1,seed=1",
    ]  # fmt: skip
    command = f"cifar-lab train -m {' '.join(TINY)} optimizer.lr=0.1,0.2 'seed=range(2)' "
    assert plan.command == f"{command}--exclude 'optimizer.lr=0.2 seed=1'"
    assert found.path == planned_folder(plan)
    assert len(found.runs) == 0


def planned_folder(plan) -> Path:
    (file,) = Path("outputs").glob("*/*/*/sweep.json")
    return file.parent


def test_an_ablation_leaves_out_each_step_of_a_group(planned):
    found = cifar_lab.ablate("augmentation", *TINY, without=["optimizer.lr=0.5"], timing=False)
    (plan,) = planned
    assert {job.values["without"] for job in plan.jobs} == {
        "nothing", "crop", "cutout", "optimizer.lr=0.5",
    }  # fmt: skip
    assert (plan.kind, found.plan.kind) == ("ablation", "ablation")
    start_of = "cifar-lab ablate augmentation experiments=digits"
    assert plan.command.startswith(start_of)
    assert plan.command.endswith("--without optimizer.lr=0.5")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cifar_lab.sweep("experiments=digits", "seed=range(0)"), "lists no values"),
        (lambda: cifar_lab.sweep("trainer.epochs=0,-1"), "trainer.epochs=-1"),
        (lambda: cifar_lab.sweep("hydra/sweeper=other"), "cifar_lab.sweep knows lab and search"),
        (lambda: cifar_lab.sweep("--set", "seed=1"), "flags of the command line are arguments"),
        (lambda: cifar_lab.ablate("a", "b"), "takes one GROUP, got a, b"),
        (lambda: cifar_lab.open_sweep("nowhere"), "SWEEP=nowhere: no sweep below outputs/"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(elsewhere, call, said):
    with pytest.raises(cifar_lab.Refusal, match=said):
        call()
    assert list(elsewhere.iterdir()) == []


def test_an_interrupted_sweep_raises_keyboard_interrupt(planned, monkeypatch):
    def interrupted(*_):
        raise Interrupted(2)

    monkeypatch.setattr(start, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cifar_lab.sweep(*TINY, "seed=0,1", timing=False)


def test_only_ones_own_sweep_is_resumed(sweep, monkeypatch):
    went_on = []
    monkeypatch.setattr(start, "go_on", lambda composer, folder: went_on.append(folder.path))
    assert sweep.resume() is sweep
    assert went_on == [sweep.path]
    text = sweep.folder.plan.read_text()
    sweep.folder.plan.write_text(text.replace("tiny", "other"))
    with pytest.raises(cifar_lab.Refusal, match="was not written by you on this machine"):
        sweep.resume()
    cifar_lab.open_sweep(sweep.path, trust=True).resume()
    assert len(went_on) == 2


@pytest.mark.slow
def test_a_sweep_runs_and_goes_on(elsewhere):
    found = cifar_lab.sweep(*TINY, "optimizer.lr=0.01,0.02", timing=False)
    assert [run.status for run in found.runs] == ["done", "done"]
    assert {row["optimizer.lr"] for row in found.leaderboard} == {0.01, 0.02}
    assert cifar_lab.open_sweep("latest").path == found.path
    assert [run.status for run in found.resume().runs] == ["done", "done"]
    Composer()  # another composition is not disturbed
    assert cifar_lab.compare(found).runs[0].status == "done"
