"""A sweep goes on as it was planned, and grows by new jobs only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.config.compose import Composer
from cifar_lab.config.space import Request
from cifar_lab.refusal import Refusal
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.extending import changes_since, extend
from cifar_lab.sweeps.start import Start, planned
from cifar_lab.sweeps.trusted import keep_plan
from tests.sweeps.sweeps import TINY, found

COMPOSER = Composer()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> SweepFolder:
    """A sweep of two optimizers, planned and not run."""
    monkeypatch.chdir(tmp_path)
    return kept("outputs/here", "optimizer=sgd,adam", "seed=0,1")


def kept(path, *words):
    request = Request((*TINY, *words))
    plan = planned(COMPOSER, Start(request, "cifar-lab train -m", timing=False))
    folder = SweepFolder(Path(path))
    folder.path.mkdir(parents=True)
    keep_plan(folder, plan.plan, plan.frozen, plan.hydra)
    return folder


def test_only_the_new_jobs_are_added(folder):
    plan = extend(COMPOSER, folder, ["seed=range(1,4)"])
    assert [job.name for job in plan.jobs[4:]] == [
        "optimizer=sgd,seed=2", "optimizer=adam,seed=2",
        "optimizer=sgd,seed=3", "optimizer=adam,seed=3",
    ]  # fmt: skip
    assert [job.number for job in plan.jobs] == list(range(8))
    assert len(plan.configurations) == 2
    assert found()[1] == plan
    frozen = [json.loads(folder.frozen(n).read_text())["config"]["seed"] for n in range(8)]
    assert frozen == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_key_that_varies_only_now_is_filled_in_for_the_earlier_jobs(folder):
    plan = extend(COMPOSER, folder, ["trainer.batch_size=32"])
    assert plan.keys == ("optimizer", "seed", "trainer.batch_size")
    assert {job.values["trainer.batch_size"] for job in plan.jobs[:4]} == {"64"}
    assert {job.values["trainer.batch_size"] for job in plan.jobs[4:]} == {"32"}


def test_what_is_added_to_a_sweep_that_chooses_keeps_the_test_set_closed_too(folder):
    plan = extend(COMPOSER, folder, ["optimizer=adamw"])  # alone, it would vary the seed only
    assert [job.values["optimizer"] for job in plan.jobs[4:]] == ["adamw", "adamw"]
    opened = [json.loads(folder.frozen(n).read_text())["config"]["evaluate_test"] for n in range(6)]
    assert opened == [False] * 6


def test_jobs_that_are_there_already_are_not_added(folder):
    with pytest.raises(Refusal, match="has all of these jobs already"):
        extend(COMPOSER, folder, ["seed=0"])


def test_a_sweep_that_opened_the_test_set_compares_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = kept("outputs/seeds", "seed=0,1")
    with pytest.raises(Refusal, match="differ in the seed alone and evaluated the test images"):
        extend(COMPOSER, folder, ["optimizer=adam"])
    assert len(extend(COMPOSER, folder, ["seed=2"]).jobs) == 3


def test_changes_of_the_configuration_are_told_and_an_extension_is_refused(folder):
    plan = found()[1]
    path = folder.frozen(0)
    frozen = json.loads(path.read_text())
    frozen["config"]["trainer"]["batch_size"] = 128
    del frozen["config"]["hooks"]  # planned before there were any, which is no change
    path.write_text(json.dumps(frozen))
    (change,) = changes_since(COMPOSER, folder, plan.jobs, plan.keys)
    assert change == "trainer.batch_size: 128, now 64"
    with pytest.raises(Refusal, match="would now be composed differently"):
        extend(COMPOSER, folder, ["seed=5"])


def test_somebody_elses_sweep_is_not_run(folder, capsys):
    text = folder.plan.read_text()
    folder.plan.write_text(text.replace('"threads": ', '"threads": 1'))
    assert main(["resume", "outputs/here"]) == 2
    assert "was not written by you on this machine" in capsys.readouterr().err


def test_a_sweep_resumed_with_overrides_is_refused(folder, capsys):
    assert main(["resume", "outputs/here", "seed=3"]) == 2
    assert "accepts no overrides, got seed=3" in capsys.readouterr().err


def test_extending_needs_values_and_a_sweep(folder, capsys):
    assert main(["extend", "outputs/here"]) == 2
    assert "needs values to add" in capsys.readouterr().err
    assert main(["extend", "outputs/nowhere", "seed=3"]) == 2
    assert "RUN=outputs/nowhere is not a run" in capsys.readouterr().err
