"""What is process-wide, and so the command line's to set: signals, garbage, threads, logging."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.run.console import speak
from cifar_lab.run.record import Run

__all__ = ["listening", "speak", "threads_of", "uncollected", "unfrozen"]


@contextlib.contextmanager
def listening() -> Iterator[StopRequest]:
    """Ctrl-C and SIGTERM end inside what they find at a time when nothing is lost."""
    with StopRequest().listening() as stop:
        yield stop


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keeps the search for garbage away from what is imported and built here, until unfrozen.

    Nearly all of these millions of objects stay; searching them again and again takes a tenth of
    the time until the first training step.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@contextlib.contextmanager
def unfrozen() -> Iterator[None]:
    """Lets the search for garbage see everything again afterwards."""
    try:
        yield
    finally:
        gc.unfreeze()


def threads_of(run: Run) -> None:
    """Computes with as many threads as a run did: sums in another order end in other last bits."""
    if run.began:
        import torch

        torch.set_num_threads(run.provenance.threads)
