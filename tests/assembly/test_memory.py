"""The bound on memory inside, and none outside."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from cifar_lab.assembly import memory
from cifar_lab.assembly.memory import bounded, is_out_of_memory


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


def test_a_failed_allocation_is_known_by_its_words_also_as_a_cause():
    def raised(cause):
        error = ValueError("in a constructor")
        error.__cause__ = cause
        return error

    for text in ("DefaultCPUAllocator: can't allocate memory: 108 bytes", "CUDA out of memory."):
        assert is_out_of_memory(RuntimeError(text))
        assert is_out_of_memory(raised(RuntimeError(text)))
    assert is_out_of_memory(raised(MemoryError()))
    assert not is_out_of_memory(raised(RuntimeError("mat1 and mat2 cannot be multiplied")))
