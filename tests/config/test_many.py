"""Checking many jobs together finds what checking each alone finds, and composes the same."""

from __future__ import annotations

from omegaconf import OmegaConf

from cifar_lab.config.compose import Composer
from cifar_lab.config.many import ManyPreflights
from cifar_lab.config.preflight import preflight
from cifar_lab.config.space import Request, read_space
from tests.work import Work

COMPOSER = Composer()
JOBS = read_space(
    COMPOSER,
    Request(
        (
            "dataset=digits",
            "model=resnet18,three_block",
            "optimizer=sgd,adam",
            "optimizer.lr=0.1,0.2",
            "augmentation.train={},{a: 1}",
            "trainer.batch_size=32,none",
            "seed=1,2",
        )
    ),
)


def plain(config):
    """Everything but the moment at which it was composed."""
    return OmegaConf.to_container(config, resolve=False)


def test_every_job_is_composed_and_judged_as_if_it_were_alone():
    many = ManyPreflights(COMPOSER, JOBS.varied)
    jobs = JOBS.jobs()
    for job in jobs[:: len(jobs) // 12]:
        found, alone = many(job), preflight(COMPOSER, job)
        assert found.problems == alone.problems
        assert found.groups == alone.groups
        assert found.job() == alone.job()
        ours, theirs = plain(found.config), plain(alone.config)
        assert sorted(ours["hydra"].pop("overrides")["task"]) == sorted(
            theirs["hydra"].pop("overrides")["task"]
        )
        light, whole = ours.pop("hydra"), theirs.pop("hydra")
        assert ours == theirs
        assert light.pop("runtime")["choices"] == whole.pop("runtime")["choices"]
        assert light == {key: whole[key] for key in light}


def test_a_key_that_does_not_exist_is_told_as_if_the_job_were_alone():
    many = ManyPreflights(COMPOSER, ["optimizer.x", "seed"])
    job = ["optimizer.x=3", "seed=1"]
    assert many(job).problems == preflight(COMPOSER, job).problems != []


def test_each_distinct_choice_is_composed_once(monkeypatch):
    composed = []
    compose = Composer.compose
    monkeypatch.setattr(
        Composer,
        "compose",
        lambda self, words, *mode: composed.append(words) or compose(self, words, *mode),
    )
    many = ManyPreflights(COMPOSER, ["optimizer", "seed"])
    for optimizer in ("sgd", "adam"):
        for seed in range(20):
            assert many([f"optimizer={optimizer}", f"seed={seed}"]).problems == []
    assert len(composed) <= 4  # the defaults and the choice, for each of two choices


def test_a_further_job_is_a_small_part_of_the_work_of_the_first():
    space = read_space(COMPOSER, Request(("model=resnet18,three_block", "seed=range(50)")))
    preflight(COMPOSER, ["model=resnet18"])  # imports and fills what is kept for all
    calls = []
    for jobs in (list(space.jobs())[:1], list(space.jobs())):
        many = ManyPreflights(COMPOSER, space.varied)
        with Work() as work:
            assert not any(many(job).problems for job in jobs)
        calls.append(work.calls)
    assert calls[1] < 10 * calls[0]
