"""What a call is given, and what it changes in the process and changes back."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence

from cifar_lab.engine.interrupts import Interrupted, StopRequest
from cifar_lab.own_code import Given
from cifar_lab.refusal import Refusal

#: A path as Python's own functions take it.
PathLike = str | os.PathLike[str]


@contextlib.contextmanager
def at_work() -> Iterator[None]:
    """Show inside what a run logs; afterwards, logging and warnings are as they were.

    A signal that stopped the work is what it would have been without: Ctrl-C, or the stop button of
    a notebook, is a ``KeyboardInterrupt``.
    """
    from cifar_lab.run.console import spoken  # importing torch takes seconds

    try:
        with spoken():
            yield
    except Interrupted as interruption:
        if interruption.signum != signal.SIGINT:
            signal.raise_signal(interruption.signum)
            raise SystemExit(128 + interruption.signum) from interruption
        raise KeyboardInterrupt(str(interruption)) from interruption


@contextlib.contextmanager
def listening() -> Iterator[StopRequest]:
    """Let a signal stop the work inside where nothing is lost; outside the main thread, none do."""
    with StopRequest().listening() as stop:
        yield stop


def overrides_of(function: str, words: Sequence[object]) -> list[str]:
    """Return the overrides that a function was called with.

    Raises:
        Refusal: one of them is not text, or is a flag of the command line.
    """
    problems = [
        f"cifar_lab.{function}({word!r}): an override is a text, such as 'optimizer.lr=0.1'"
        for word in words
        if not isinstance(word, str)
    ]
    problems += [
        f"cifar_lab.{function}({word!r}): flags of the command line are arguments here, such as "
        "config_dir='conf'; for several values use cifar_lab.sweep"
        for word in words
        if isinstance(word, str) and word.startswith("-")
    ]
    if problems:
        raise Refusal(problems)
    return [str(word) for word in words]


def path_of(config_dir: PathLike | None) -> str | None:
    """Return a folder of configuration groups as the composer takes it."""
    return None if config_dir is None else os.fspath(config_dir)


def given_of(config_dir: PathLike | None, trust: bool) -> Given:
    """Return whose Python files a run's parts may come from, as the flags of a verb say it."""
    return Given(path_of(config_dir), trust)
