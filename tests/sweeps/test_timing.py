"""A sweep's time is that of its jobs, from one timed batch of each distinct choice."""

from __future__ import annotations

import pytest

from cifar_lab import assembly
from cifar_lab.assembly import BatchTimes
from cifar_lab.sweeps import timing


def a_job(**changes):
    trainer = {"epochs": 3, "batch_size": 64, "precision": "float32", "_target_": "x"}
    return {
        "model": {"_target_": "m"}, "dataset": {}, "device": "cpu", "seed": 0,
        "trainer": {**trainer, **changes},
    }  # fmt: skip


@pytest.fixture
def timed(monkeypatch):
    """The jobs that were timed: two seconds a batch, ten batches, and no evaluation."""
    jobs = []

    def batch_times(job, *_):
        jobs.append(job)
        return BatchTimes(training=2.0, evaluation=0.0, batches=10, evaluated=0)

    monkeypatch.setattr(assembly, "batch_times", batch_times)
    return jobs


def test_each_distinct_choice_is_timed_once(timed):
    jobs = [a_job(batch_size=size, epochs=epochs) for size in (32, 64) for epochs in (1, 2, 4)]
    found = timing.expected_seconds(jobs, assembly.Tried(), None)
    assert len(timed) == 2
    assert found == [20, 40, 80, 20, 40, 80]


def test_limited_runs_are_shorter(timed):
    assert timing.expected_seconds([a_job(limit_epochs=1)], assembly.Tried(), None) == [20]


def test_beyond_the_most_choices_nothing_is_timed(timed):
    jobs = [a_job(batch_size=size) for size in range(1, 31)]
    found = timing.expected_seconds(jobs, assembly.Tried(), None)
    assert len(timed) == timing.MOST_CHOICES
    assert found[timing.MOST_CHOICES :] == [None] * 10
