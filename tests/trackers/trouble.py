"""Trackers that go wrong. Their sessions write what they are sent to a file."""

from __future__ import annotations

import atexit
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cifar_lab.trackers import Tracker
from cifar_lab.trackers.facts import Facts, State
from cifar_lab.trackers.sent import Sent


@dataclass(kw_only=True, eq=False)
class Writing(Tracker):
    """Writes epochs and the state to ``written`` in the run's folder; nothing goes wrong."""

    package = "json"

    def session(self, facts: Facts, sent: Sent) -> WritingSession:
        return WritingSession(facts)


class WritingSession:
    id = "the run"

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def add(self, rows: Sequence[dict[str, float]]) -> None:
        self.write(f"{json.dumps([int(row['epoch']) for row in rows])}\n")

    def end(self, state: State) -> None:
        self.write(state)

    def write(self, text: str) -> None:
        with open(self.facts.folder.path / "written", "a") as file:
            file.write(text)


class Absent(Writing):
    package = "no_such_package"


class Hanging(Writing):
    def session(self, facts: Facts, sent: Sent) -> WritingSession:
        time.sleep(1000)
        raise AssertionError


class Failing(Writing):
    def session(self, facts: Facts, sent: Sent) -> WritingSession:
        raise ConnectionError("nobody answers\nat length")


class Dying(Writing):
    def session(self, facts: Facts, sent: Sent) -> WritingSession:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class FailingAtFirst(Writing):
    def session(self, facts: Facts, sent: Sent) -> WritingSession:
        marker = Path(facts.folder.path / "failed")
        if not marker.exists():
            marker.touch()
            raise ConnectionError("nobody answers")
        return WritingSession(facts)


class Meddling(Writing):
    """Does to its process whatever a library might."""

    def session(self, facts: Facts, sent: Sent) -> WritingSession:
        print("a banner")
        os.write(1, b"another banner\n")
        random.seed(7)
        sys.excepthook = print
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        atexit.register(time.sleep, 1000)
        threading.Thread(target=time.sleep, args=(1000,)).start()
        os.environ["MEDDLED"] = "yes"
        return WritingSession(facts)
