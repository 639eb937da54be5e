"""A sweep has jobs, not too many, and each of them a folder of its own."""

from __future__ import annotations

import time

import pytest

from cifar_lab.cli.main import main
from cifar_lab.config.compose import Composer
from cifar_lab.config.sweeps import sweep_jobs
from cifar_lab.refusal import Refusal

COMPOSER = Composer()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["seed=range(3,0)"], "lists no values, so there is no job to run"),
        (["seed=range(0)"], "lists no values"),
        (["model=glob(zzz*)"], "lists no values"),
        (["seed=interval(0,1)"], "lists no single values; name some, e.g. seed=0,1"),
        (["seed=range(1000000000000)"], "more than 10,000 jobs"),
        (["seed=shuffle(range(1000000000))"], "more than 10,000 jobs"),
        (["seed=range(200)", "trainer.epochs=range(1,200)"], "more than 10,000 jobs"),
        (["optimizer.lr=range(0.0,1.0,0.0000001)"], "more than 10,000 jobs"),
        (["seed=choice()"], "lists no values"),
    ],
)
def test_a_sweep_without_jobs_or_without_end_is_refused_at_once(overrides, message):
    started = time.process_time()
    with pytest.raises(Refusal, match=message):
        sweep_jobs(COMPOSER, overrides)
    assert time.process_time() - started < 2


def test_all_mistakes_of_a_sweep_are_told_at_once():
    with pytest.raises(Refusal) as told:
        sweep_jobs(COMPOSER, ["seed=range(3,0)", "model==x", "trainer.epochs=interval(1,2)"])
    assert len(told.value.problems) == 3


def test_a_pattern_lists_the_options_of_a_group():
    jobs = sweep_jobs(COMPOSER, ["model=glob(resnet18*)", "seed=1,2"])
    assert sorted(jobs) == [
        ["model=resnet18", "seed=1"],
        ["model=resnet18", "seed=2"],
        ["model=resnet18_8x8", "seed=1"],
        ["model=resnet18_8x8", "seed=2"],
    ]


@pytest.mark.parametrize("subdir", ["same", "", "${name}"])
def test_a_sweep_whose_jobs_share_a_folder_is_refused_and_leaves_none(
    subdir, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    words = ["dataset=digits", "model.width=4", "seed=0,1", f"hydra.sweep.subdir={subdir}"]
    assert main(["train", "-m", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "several jobs would share this folder" in line
    assert list(tmp_path.iterdir()) == []
