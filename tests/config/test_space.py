"""A sweep has jobs, not too many, in an order in which one that is stopped compares all."""

from __future__ import annotations

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.space import Request, read_space
from cifar_lab.refusal import Refusal
from tests.work import Work

COMPOSER = Composer()


def sweep_jobs(overrides, sets=()):
    """The overrides of every job."""
    return read_space(COMPOSER, Request(tuple(overrides), tuple(sets))).jobs()


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
        (["hooks=gradient_norm,confusions_by_epoch"], "the jobs would be the same; write several"),
        (["hooks=gradient_norm", "hooks.gradient_norm.images=8,16"], "the jobs would be the same"),
    ],
)
def test_a_sweep_without_jobs_or_without_end_is_refused_at_once(overrides, message):
    with Work() as work, pytest.raises(Refusal, match=message):
        sweep_jobs(overrides)
    assert work.calls < 200_000


def test_all_mistakes_of_a_sweep_are_told_at_once():
    with pytest.raises(Refusal) as told:
        sweep_jobs(["seed=range(3,0)", "model==x", "trainer.epochs=interval(1,2)"])
    assert len(told.value.problems) == 3


def test_a_pattern_lists_the_options_of_a_group():
    jobs = sweep_jobs(["model=glob(resnet18*)", "seed=1,2"])
    assert sorted(jobs) == [
        ["seed=1", "model=resnet18"],
        ["seed=1", "model=resnet18_8x8"],
        ["seed=2", "model=resnet18"],
        ["seed=2", "model=resnet18_8x8"],
    ]


def test_every_configuration_has_its_first_seed_before_any_has_its_second():
    jobs = sweep_jobs(["optimizer=sgd,adam", "seed=range(2)", "trainer.epochs=3", "model=a,b"])
    assert jobs == [
        ["trainer.epochs=3", f"seed={seed}", f"optimizer={optimizer}", f"model={model}"]
        for seed in (0, 1)
        for optimizer in ("sgd", "adam")
        for model in ("a", "b")
    ]


def test_pairs_are_crossed_with_the_rest():
    jobs = sweep_jobs(
        ["pair=zip(model=choice(a,b),optimizer.lr=choice(0.1,0.2))", "trainer.epochs=1,2"]
    )
    assert jobs == [
        ["model=a", "optimizer.lr=0.1", "trainer.epochs=1"],
        ["model=a", "optimizer.lr=0.1", "trainer.epochs=2"],
        ["model=b", "optimizer.lr=0.2", "trainer.epochs=1"],
        ["model=b", "optimizer.lr=0.2", "trainer.epochs=2"],
    ]


def test_sets_are_used_as_they_stand():
    sets = ["optimizer=sgd scheduler=one_cycle", "optimizer=adam", "optimizer.lr=0.1,0.2"]
    assert sweep_jobs(["name=x"], sets) == [
        ["name=x", "optimizer=sgd", "scheduler=one_cycle"],
        ["name=x", "optimizer=adam"],
        ["name=x", "optimizer.lr=0.1"],
        ["name=x", "optimizer.lr=0.2"],
    ]


@pytest.mark.parametrize(
    ("overrides", "sets", "message"),
    [
        (["pair=zip(a=choice(1,2),b=choice(1,2,3))"], [], "equally many values, got a 2, b 3"),
        (["pair=a,b"], [], r"write pair=zip\(model=choice\(a,b\),optimizer=choice\(x,y\)\)"),
        (["seed=1,2", "seed=3"], [], "seed: is given 2 times"),
        (["optimizer=sgd"], ["optimizer=sgd", "optimizer=adam"], "optimizer: is given 2 times"),
        ([], ["optimizer==sgd"], '--set "optimizer==sgd": '),
        ([], ["name='x"], "a quote is not closed"),
    ],
)
def test_what_cannot_be_combined_is_refused(overrides, sets, message):
    with pytest.raises(Refusal, match=message):
        sweep_jobs(overrides, sets)


def test_a_value_that_is_listed_twice_is_one_job():
    assert sweep_jobs(["seed=1,1,2"]) == [["seed=1"], ["seed=2"]]
