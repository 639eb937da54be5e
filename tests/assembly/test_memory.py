"""The bound on memory inside, and none outside."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from cifar_lab.assembly import memory
from cifar_lab.assembly.memory import bounded


@pytest.mark.skipif(not Path("/proc/meminfo").is_file(), reason="needs Linux")
def test_the_bound_holds_inside_alone_even_after_an_error():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(MemoryError), bounded():
        assert resource.getrlimit(resource.RLIMIT_DATA) != before
        bytearray(2**60)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_where_the_sizes_are_unknown_nothing_is_bounded(monkeypatch):
    monkeypatch.setattr(memory, "_kilobytes", lambda *_: None)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded():
        assert resource.getrlimit(resource.RLIMIT_DATA) == before
