"""The program of the process that sends a run: follows the run's folder until it is told the end.

Whatever a tracker's library prints goes to a file; what it does to signals, to exceptions or to
random numbers stays in this process.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cifar_lab.trackers.facts import Facts, State
    from cifar_lab.trackers.sent import Sent
    from cifar_lab.trackers.tracker import Session, Tracker

#: Seconds between two looks at the run's folder.
LOOK_EVERY_SECONDS = 0.5


def main() -> None:
    """Do what the order on standard input says; answer on standard output, in JSON lines."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # prints of libraries go to the file that takes standard error
    with contextlib.suppress(OSError):
        os.nice(5)
    words = open(0, "rb", buffering=0)  # noqa: SIM115  # unbuffered, so that select sees all
    order = json.loads(words.readline())

    def say(**words: str) -> None:
        with contextlib.suppress(OSError):  # the run has ended without waiting
            print(json.dumps(words), file=answers, flush=True)

    from cifar_lab.run.folder import RunFolder
    from cifar_lab.trackers.facts import Facts

    facts = Facts(RunFolder(Path(order["path"])), order["name"])
    try:
        module, _, name = order["tracker"].partition(":")
        tracker = getattr(importlib.import_module(module), name)(**order["options"])
        Following(tracker, facts, say).until(lambda: _state(words))
    except Exception as error:
        say(failed=_described(error))
    finally:
        sys.stderr.flush()
        os._exit(0)  # threads and exit handlers of the library may wait for anything


def _state(words: IO[bytes]) -> State:
    """Wait a moment for being told how the run ended; silence means that its process is gone."""
    if not select.select([words], [], [], LOOK_EVERY_SECONDS)[0]:
        return "running"
    told = words.readline()
    if told:
        state: State = json.loads(told)["state"]
        return state
    return "interrupted"


class Following:
    """Sends what is new in a run's folder.

    Args:
        tracker: where to send it.
        facts: what to send.
        say: called with ``failed`` and a reason, or with ``sent`` and the run's name there.
    """

    def __init__(self, tracker: Tracker, facts: Facts, say: Callable[..., None]) -> None:
        from cifar_lab.trackers.sent import read_sent

        self._tracker, self._facts, self._say = tracker, facts, say
        where = {k: _text(v) for k, v in tracker.options().items() if k != "patience"}
        self._sent: Sent = read_sent(facts.place, where)
        self._session: Session | None = None

    def until(self, ended: Callable[[], State]) -> None:
        """Send what there is, and what comes, until ``ended`` tells how the run ended."""
        seen = _stamp(self._facts.folder.metrics)  # before a look, or a change could be missed
        self._look("running")
        while (state := ended()) == "running":
            now = _stamp(self._facts.folder.metrics)
            # Also after a failure: only when there is something new, not all the time.
            if now != seen:
                seen = now
                self._look("running")
        self._look(state)

    def _look(self, state: State) -> None:
        """Send what is new; if that fails, say so, and begin anew next time."""
        try:
            self._send(state)
        except Exception as error:
            traceback.print_exc()
            self._session = None
            self._say(failed=_described(error))

    def _send(self, state: State) -> None:
        from cifar_lab.trackers.sent import hashed, write_sent

        facts = self._facts
        rows = facts.rows()
        if self._session is None:
            self._session = self._tracker.session(facts, self._sent)
        session = self._session
        session.add(rows)
        self._sent = replace(self._sent, id=session.id, epochs=len(rows))
        write_sent(facts.place, self._sent)
        if state != "running":
            session.end(state)
            self._sent = replace(self._sent, state=state, files=hashed(facts.files()))
            write_sent(facts.place, self._sent)
            self._say(sent=session.id)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _described(error: Exception) -> str:
    from cifar_lab.wording import first_sentence

    return f"{type(error).__name__}: {first_sentence(error)}"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
