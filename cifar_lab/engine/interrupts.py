"""Handles Ctrl-C, SIGTERM and SIGHUP: at once, except that training finishes its step."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

#: Ask to stop. SIGHUP arrives when the terminal is closed or the connection is lost.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """The run was asked to stop; not an Exception, so that it is not handled as a failure.

    Args:
        signum: the signal's number; the process exits with status 128 + signum.
    """

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(f"interrupted by {signal.Signals(signum).name}")


class StopRequest:
    """Turns the signals into :class:`Interrupted`, raised when nothing would be lost."""

    def __init__(self) -> None:
        self._requested: int | None = None
        self._deferring = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[StopRequest]:
        """Handle the signals inside the context. Does nothing outside the main thread."""
        with _handled(self._handle):
            yield self

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside, the first signal only sets :attr:`requested`; a second one raises immediately."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False
        if self._requested is not None:  # it arrived after the last check
            raise Interrupted(self._requested)

    @property
    def requested(self) -> int | None:
        """The signal that asked to stop, or None."""
        return self._requested

    def _handle(self, signum: int, _: FrameType | None) -> None:
        if self._deferring and self._requested is None:
            self._requested = signum
        else:
            raise Interrupted(signum)


@contextlib.contextmanager
def signals_ignored() -> Iterator[None]:
    """Ignore the signals inside: for the moment in which the end of a run is recorded."""
    with _handled(signal.SIG_IGN):
        yield


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """Set a handler inside. SIGHUP stays ignored if it is, which is what ``nohup`` asks for."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    before = {
        signum: signal.signal(signum, handler)
        for signum in SIGNALS
        if signum is not signal.SIGHUP or not nohup
    }
    try:
        yield
    finally:
        for signum, earlier in before.items():
            signal.signal(signum, earlier)
