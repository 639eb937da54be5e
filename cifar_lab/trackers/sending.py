"""The process that sends a run, as seen by the process that trains it.

The two share the run's folder, from which the one reads what the other writes. Besides, they say
to each other only how the run ended and what has failed. So there is no queue that could fill up,
and training waits for nothing until its end.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cifar_lab.trackers.facts import State

#: What the process runs; it finds modules where this one does.
PROGRAM = "import sys; sys.path[:] = {}; from cifar_lab.trackers.sender import main; main()"
#: File below a hook's folder with what its tracker's library printed.
LOG = "sending.log"


@dataclass(frozen=True)
class Order:
    """What the process is to do.

    Attributes:
        tracker: the tracker's class, as ``module:name``.
        options: its arguments, as plain values.
        path: of the run's folder.
        name: of the hook.
    """

    tracker: str
    options: Mapping[str, Any]
    path: str
    name: str


class Sending:
    """A process that sends a run.

    Args:
        order: what to send, and where.
        environment: variables to set for it.
    """

    def __init__(self, order: Order, environment: Mapping[str, str]) -> None:
        place = Path(order.path) / "hooks" / order.name
        place.mkdir(parents=True, exist_ok=True)
        # No GPU and one thread: it must not take what training needs.
        few = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        with open(place / LOG, "wb") as printed:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM.format(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                env={**os.environ, **environment, **few},
                start_new_session=True,  # Ctrl-C in the terminal is for the run alone
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._words, self._answers = self._process.stdin, self._process.stdout
        os.set_blocking(self._answers.fileno(), False)
        self._read = b""
        self._failure: str | None = None
        self._finished: str | None = None
        self._say(dataclasses.asdict(order))

    def failure(self) -> str | None:
        """Say what has failed last; None if nothing has. Does not wait."""
        self._listen()
        return self._failure

    def end(self, state: State, patience: float | None = None) -> str | None:
        """Tell the process how the run ended; wait until it has sent everything, and end it.

        Args:
            state: how the run ended.
            patience: seconds to wait at most; None to wait for as long as it takes.

        Returns:
            The run's name at the tracker; None if not everything was sent.
        """
        try:
            self._say({"state": state})
            self._wait(None if patience is None else time.monotonic() + patience)
        finally:
            self.stop()
        return self._finished

    def stop(self) -> None:
        """End the process, and those that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._words, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()

    def _say(self, words: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died: its silence tells
            self._words.write(json.dumps(words).encode() + b"\n")
            self._words.flush()

    def _wait(self, until: float | None) -> None:
        while self._listen():
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return
            select.select([self._answers], [], [], left)

    def _listen(self) -> bool:
        """Take in what the process has said; whether it may say more."""
        if self._answers.closed:
            return False
        while True:
            try:
                read = os.read(self._answers.fileno(), 65536)
            except BlockingIOError:
                return True
            if not read:
                break
            *lines, self._read = (self._read + read).split(b"\n")
            for line in lines:
                said = json.loads(line)
                self._failure = said.get("failed", self._failure)
                self._finished = said.get("sent", self._finished)
        if self._finished is None and self._failure is None:
            self._failure = "the process that sends it has died"
        return False
