"""Freed memory is kept by the process, so that the kernel need not clear pages again."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from cifar_lab.engine.allocator import keep_freed_memory

COUNT_FAULTS = """
import resource, torch
from cifar_lab.engine.allocator import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
for turn in range(60):
    if turn == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16 * 2**20)  # 64 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's")
def test_large_tensors_take_their_pages_once():
    kept, given_back = (page_faults(keep) for keep in (True, False))
    pages = 50 * 64 * 2**20 // resource.getpagesize()
    # The kernel may clear several pages per fault.
    assert kept < given_back / 4
    assert kept < pages / 4


def test_elsewhere_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False


def page_faults(keep: bool) -> int:
    done = subprocess.run(
        [sys.executable, "-c", COUNT_FAULTS.format(keep=keep)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)
