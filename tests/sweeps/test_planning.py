"""A sweep is planned before it starts: composed, checked and decided whether the test set opens."""

from __future__ import annotations

import pytest

from cifar_lab.assembly import precision
from cifar_lab.cli.main import main
from cifar_lab.config.compose import Composer
from cifar_lab.config.space import Request
from cifar_lab.refusal import Refusal
from cifar_lab.run.provenance import PrecisionProbe
from cifar_lab.sweeps.start import Start, planned
from tests.sweeps.sweeps import TINY

COMPOSER = Composer()


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def plan(*words, sets=(), excluded=()):
    request = Request((*TINY, *words), tuple(sets), tuple(excluded))
    return planned(COMPOSER, Start(request, "cifar-lab train -m", timing=False))


def test_seeds_are_outermost_and_names_are_the_values():
    found = plan("optimizer=sgd,adam", "seed=0,1").plan
    assert [job.name for job in found.jobs] == [
        "optimizer=sgd,seed=0",
        "optimizer=adam,seed=0",
        "optimizer=sgd,seed=1",
        "optimizer=adam,seed=1",
    ]
    assert len(found.configurations) == 2
    assert [job.number for job in found.jobs] == [0, 1, 2, 3]


def test_a_sweep_that_chooses_keeps_the_test_set_closed():
    found = plan("optimizer=sgd,adam")
    assert (found.plan.test, found.plan.ranked) == ("closed", True)
    assert {job.config["evaluate_test"] for job in found.frozen} == {False}


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (["seed=0,1"], "the jobs differ in the seed alone"),
        (["optimizer=sgd,adam", "sweep.open_test=true"], "sweep.open_test=true"),
        (
            ["optimizer=sgd,adam", "sweep.rank=false", "dataset.validation_fraction=0"],
            "sweep.rank=false",
        ),
    ],
)
def test_the_test_set_opens_where_nothing_is_chosen_or_it_is_asked_for(words, because):
    found = plan(*words)
    assert found.plan.test == "open"
    assert because in found.plan.test_because
    assert {job.config["evaluate_test"] for job in found.frozen} == {True}


@pytest.mark.parametrize(("value", "test"), [("false", "closed"), ("true", "open")])
def test_what_is_stated_of_the_test_set_holds_and_is_told(value, test):
    found = plan("optimizer=sgd,adam", f"evaluate_test={value}")
    assert (found.plan.test, found.plan.test_because) == (test, f"evaluate_test={value} was given")
    assert {job.config["evaluate_test"] for job in found.frozen} == {test == "open"}


def test_choosing_without_validation_images_is_refused_with_what_to_type():
    with pytest.raises(Refusal) as told:
        plan("optimizer=sgd,adam", "dataset.validation_fraction=0")
    (problem,) = told.value.problems
    assert "dataset.validation_fraction=0.1" in problem


def test_a_mistake_of_the_last_job_is_known_and_one_of_all_is_told_once():
    with pytest.raises(Refusal) as told:
        plan("seed=range(9)", "trainer.epochs=0", "optimizer.lr=0.1,0.2,wrong")
    assert len(told.value.problems) == 2
    assert any("trainer.epochs=0" in problem for problem in told.value.problems)
    assert any("wrong" in problem for problem in told.value.problems)


def test_jobs_that_would_be_the_same_run_once():
    found = plan(sets=["optimizer=sgd", "optimizer=sgd optimizer.lr=0.02", "optimizer=adam"])
    assert len(found.plan.jobs) == 2  # 0.02 is the default of sgd


def test_combinations_are_left_out():
    found = plan(
        "optimizer=sgd,adam", "scheduler=one_cycle,constant", "seed=0,1",
        excluded=["optimizer=sgd scheduler=constant"],
    )  # fmt: skip
    assert len(found.plan.jobs) == 6
    assert not any(
        (job.values["optimizer"], job.values["scheduler"]) == ("sgd", "constant")
        for job in found.plan.jobs
    )


def test_leaving_out_everything_is_refused():
    with pytest.raises(Refusal, match="leaves out every combination"):
        plan("seed=0,1", excluded=["dataset=digits"])


def test_a_dry_run_prints_the_plan_and_leaves_no_folder(tmp_path, capsys):
    words = ["train", "-m", *TINY, "optimizer=sgd,adam", "seed=0,1", "--dry-run", "--no-timing"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "sweep: 4 jobs, 2 configurations with 2 seeds" in told
    assert "optimizer: sgd, adam" in told
    assert "folder: outputs/tiny/" in told
    assert list(tmp_path.iterdir()) == []


def test_an_experiment_may_carry_its_own_sweep(tmp_path, capsys):
    experiments = tmp_path / "conf" / "experiments"
    experiments.mkdir(parents=True)
    (experiments / "mine.yaml").write_text(
        "# @package _global_\nname: mine\nhydra:\n  sweeper:\n    params:\n"
        "      pair: zip(optimizer=choice(sgd,adam),optimizer.lr=choice(0.1,0.001))\n"
        "      seed: range(2)\n"
    )
    words = ["train", "-m", *TINY[:-1], "experiments=mine", "--config-dir", "conf"]
    assert main([*words, "--dry-run", "--no-timing"]) == 0
    assert "4 jobs, 2 configurations with 2 seeds" in capsys.readouterr().out
    assert main([*words, "seed=7", "--dry-run", "--no-timing"]) == 0
    assert "2 jobs, 2 configurations with 1 seed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "optimizer=sgd"], "--set belongs to a sweep; add -m"),
        (["--dry-run"], "--dry-run belongs to a sweep; add -m"),
        (["-m", "seed=0,1", "hydra.sweep.subdir=x"], "hydra.sweep.subdir=x: the folder of each"),
        (["-m", "seed=0,1", "sweep.max_minutes=-1"], "sweep.max_minutes"),
        (["-m", "seed=0,1", "sweep.objective=test_accuracy"], "sweep.objective"),
        (["-m", "seed=0,1", "--exclude", "modle=x"], "there is no key 'modle'"),
    ],
)
def test_mistakes_are_refused_before_anything_runs(words, message, tmp_path, capsys):
    assert main(["train", *TINY, *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("speedup", [1.1, 2.0])
def test_the_precision_is_measured_once_for_all_jobs(monkeypatch, speedup):
    found = [PrecisionProbe(speedup, ((1.0, speedup),) * 5, cached=False)]
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: True)
    monkeypatch.setattr(precision, "measured", found.pop)  # a second one would fail
    words = [word for word in TINY if "precision" not in word]
    request = Request((*words, "seed=0,1", "trainer.precision=auto"))
    made = planned(COMPOSER, Start(request, "cifar-lab train -m", timing=False))
    assert made.plan.precision_probe == PrecisionProbe(speedup, ((1.0, speedup),) * 5, cached=False)
