"""Calls the program in a child process that a fault may kill, without importing it each time."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: A call that takes longer hangs.
LIMIT_SECONDS = 120.0
MEMORY_BYTES = 12 * 2**30


@dataclass(frozen=True)
class Answer:
    """What a call said.

    Attributes:
        status: exit status; minus the number of the signal that ended it.
        text: of standard output and error together.
        seconds: it took.
        hung: it was killed after :data:`LIMIT_SECONDS`.
    """

    status: int
    text: str
    seconds: float
    hung: bool = False

    def unclean(self) -> str | None:
        """Why this is never an acceptable answer; None if it may be one."""
        if self.hung:
            return f"no answer after {self.seconds:.0f} s"
        if "Traceback (most recent call last)" in self.text:
            return f"traceback: {self.last_line()}"
        if self.status < 0:
            return f"died of {signal.Signals(-self.status).name}"
        return None

    def last_line(self) -> str:
        """The last line with text, cut to 200 characters."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        return lines[-1][:200] if lines else "(nothing was printed)"


def warm_up() -> None:
    """Imports what the program imports, so that every child finds it in memory.

    Nothing is computed: a process whose threads have begun cannot be forked.
    """
    import captum.attr  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import torch  # noqa: F401
    import torchvision  # noqa: F401

    import cifar_lab.cli.main
    import cifar_lab.recipe.explain
    import cifar_lab.recipe.launch
    import cifar_lab.recipe.train  # noqa: F401


def call(
    words: Sequence[str],
    here: Path,
    environment: dict[str, str] | None = None,
    signalled: tuple[int, float] | None = None,
) -> Answer:
    """Runs ``cifar-lab WORDS`` with ``here`` as the working directory.

    Args:
        words: the verb and its arguments.
        here: working directory.
        environment: variables to set.
        signalled: a signal to send, and after how many seconds.
    """

    def program() -> int:
        from cifar_lab.cli.main import main

        os.chdir(here)
        os.environ.update(environment or {})
        sys.argv = ["cifar-lab", *words]
        return main(list(words))

    return forked(program, signalled)


def forked(program: Callable[[], int], signalled: tuple[int, float] | None = None) -> Answer:
    """Runs a function in a child process of its own group and returns what it said.

    Its return value is the exit status.
    """
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        with warnings.catch_warnings():
            # Newer Pythons warn of threads; those of torch are idle before it computes.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _be_the_child(program, said.fileno())
        hung = not _wait(child, started, signalled)
        if hung:
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        _end_group(child)
        said.seek(0)
        text = said.read().decode(errors="replace")
    seconds = time.monotonic() - started
    return Answer(os.waitstatus_to_exitcode(status), text, seconds, hung)


def _be_the_child(program: Callable[[], int], said: int) -> None:
    """Never returns."""
    status = 1
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        for descriptor in (1, 2):
            os.dup2(said, descriptor)
        sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        status = program()
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _wait(child: int, started: float, signalled: tuple[int, float] | None) -> bool:
    """Waits for a child's end, and sends it its signal in time; False if it hangs."""
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        passed = time.monotonic() - started
        if signalled is not None and passed >= signalled[1]:
            os.kill(child, signalled[0])
            signalled = None
        if passed > LIMIT_SECONDS:
            return False
        time.sleep(0.01)
    return True


def _end_group(group: int) -> None:
    """Ends helper processes that a killed program left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
