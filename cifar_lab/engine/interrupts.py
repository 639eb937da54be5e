"""Ctrl-C and SIGTERM handling: immediate, except during training, where the step is finished."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The run was asked to stop; not an Exception, so that it is not handled as a failure.

    Args:
        signum: the signal's number; the process exits with status 128 + signum.
    """

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(f"interrupted by {signal.Signals(signum).name}")


class StopRequest:
    """Turns SIGINT and SIGTERM into :class:`Interrupted`, raised when nothing would be lost."""

    def __init__(self) -> None:
        self._requested: int | None = None
        self._deferring = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[StopRequest]:
        """Handle the signals inside the context. Does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {s: signal.signal(s, self._handle) for s in SIGNALS}
        try:
            yield self
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

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
