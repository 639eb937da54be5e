"""Shared by the tests of the server."""

from __future__ import annotations

import pytest

from benchmarks.measure import threads


@pytest.fixture(autouse=True)
def _one_thread(_two_threads):
    """One thread is faster than two on such small work, above all on a busy machine."""
    with threads(1):
        yield
