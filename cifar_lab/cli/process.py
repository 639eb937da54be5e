"""Process-wide state that only the command line sets: signals, garbage collection, threads."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.run.console import speak
from cifar_lab.run.record import Run

__all__ = ["gc_paused", "gc_unfrozen", "listening", "speak", "use_threads_of"]


@contextlib.contextmanager
def listening() -> Iterator[StopRequest]:
    """Let Ctrl-C, SIGTERM and SIGHUP stop the work inside at a point where nothing is lost."""
    with StopRequest().listening() as stop:
        yield stop


@contextlib.contextmanager
def gc_paused() -> Iterator[None]:
    """Pause garbage collection inside, then freeze all objects that were created there.

    Nearly all of these millions of objects live on; scanning them repeatedly takes a tenth of the
    time until the first training step.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@contextlib.contextmanager
def gc_unfrozen() -> Iterator[None]:
    """Make the garbage collector consider all objects again afterwards."""
    try:
        yield
    finally:
        gc.unfreeze()


def use_threads_of(run: Run) -> None:
    """Use as many threads as a run did: a different summation order changes the last bits."""
    if run.began:
        import torch

        torch.set_num_threads(run.provenance.threads)
