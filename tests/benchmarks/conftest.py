"""Shared by the tests of the benchmarks."""

from __future__ import annotations

import pytest

from benchmarks.measure import Case, Result, Settings, threads
from benchmarks.targets import Target

MACHINE = {
    "device": "Some Processor, 2 cores",
    "features": ["AVX512-bf16"],
    "cores": 2,
    "threads": 2,
    "python": "3.11.2",
    "versions": {"torch": "2.15.0"},
    "commit": "0" * 40,
}


TWICE = Target(2.0)


def made_case(name="a", target=TWICE, **named) -> Case:
    """A case that measures nothing."""
    run = named.pop("run", lambda settings: Result(None))
    return Case(name, f"what {name} does", "a peer", run, target=target, **named)


@pytest.fixture(autouse=True)
def _one_thread(_two_threads):
    """One thread is faster than two on such small work, above all on a busy machine."""
    with threads(1):
        yield


@pytest.fixture
def quick() -> Settings:
    """Tiny sizes on scikit-learn's digits."""
    return Settings(quick=True)
