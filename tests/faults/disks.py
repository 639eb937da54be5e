"""Fills the disk at every stage of a run: a small file system in memory, seen by one process."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.campaign import Campaign, Trial
from tests.faults.program import call, forked
from tests.faults.runs import TRAINING, difference, the_run, train

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_PRIVATE_REC, MS_REMOUNT = (1 << 18) | (1 << 14), 32
STEPS = 24
ENOUGH = 256 * 2**20


def trials(folder: Path, seed: int) -> Iterator[Trial]:
    """Trains on disks of rising sizes, then makes room and goes on."""
    del seed
    if (answer := train(folder / "whole")).status:
        raise RuntimeError(f"the training itself failed: {answer.text}")
    expected = the_run(folder / "whole")
    assert expected is not None
    needed = sum(path.stat().st_size for path in expected.rglob("*") if path.is_file())
    for step in range(STEPS):
        size = needed * step // STEPS // 4096 * 4096 + 4096
        here = folder / str(step)
        here.mkdir()
        seen = forked(lambda here=here, size=size: _on_a_small_disk(here, size, expected))
        fault = seen.unclean() or (seen.last_line() if seen.status else None)
        yield Trial(f"a disk of {size // 1024:,} KiB", fault)


def _on_a_small_disk(here: Path, size: int, expected: Path) -> int:
    """Runs in a process of its own, whose mounts end with it; prints a fault."""
    _mount(here, size)
    first = train(here)
    fault = first.unclean()
    if fault is None and first.status and "space" not in first.text:
        fault = f"does not say that the disk is full: {first.last_line()}"
    _mount(here, ENOUGH, again=True)
    if fault is None:
        begun = the_run(here)
        words = ("resume", "latest") if begun else ("train", *TRAINING)
        second = call(words, here)
        run = the_run(here)
        fault = second.unclean()
        if fault is None and (run is None or not (run / "predictions.npz").is_file()):
            fault = f"does not go on when there is room: {second.last_line()}"
        elif fault is None and run is not None:
            fault = difference(run, expected)
    print(fault or "")
    return 0 if fault is None else 1


def missing() -> str | None:
    """Mounting needs Linux, and root or user namespaces."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    tried = forked(lambda: _mount(Path("/tmp"), 4096) or 0)
    return None if tried.status == 0 else "this user may not mount a file system"


def _mount(here: Path, size: int, again: bool = False) -> None:
    """Mounts a file system in memory over a folder, for this process and its children."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not again:
        user = CLONE_NEWUSER if os.geteuid() else 0
        ids = (os.geteuid(), os.getegid())
        _checked(libc.unshare(CLONE_NEWNS | user))
        if user:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {ids[0]} 1")
            Path("/proc/self/gid_map").write_text(f"0 {ids[1]} 1")
        _checked(libc.mount(b"none", b"/", None, MS_PRIVATE_REC, None))
    flags, options = MS_REMOUNT if again else 0, f"size={size}".encode()
    _checked(libc.mount(b"tmpfs", str(here).encode(), b"tmpfs", flags, options))


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


CAMPAIGN = Campaign(
    "disks",
    "A full disk costs no result: make room, and `resume` ends as if nothing had happened.",
    f"trainings on {STEPS} disks between nothing and all that a run needs",
    trials,
    missing,
)
