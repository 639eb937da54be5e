"""The other processes of a run that trains on several devices.

A leader starts them on its machine, hands each the configuration, and waits until they are ready;
whoever starts the same command on further machines, or under torchrun, makes followers of them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import torch

from cifar_lab import assembly
from cifar_lab.assembly import Experiment
from cifar_lab.engine.hooks import Hooks
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.state import TrainingState
from cifar_lab.refusal import RunFailed

log = logging.getLogger("cifar_lab")

#: What a follower says when it has built its experiment.
READY = "ready"
#: How long a process may take to end by itself: after training, and after another one failed.
PATIENCE_SECONDS, GRACE_SECONDS = 60.0, 3.0


def follow(experiment: Experiment) -> None:
    """Trains this process's part of a run that another process leads; writes nothing."""
    learner = experiment.learner
    decay = experiment.plan.ema_decay
    state = TrainingState(learner.model, experiment.optimizer, decay, learner.device)
    with companions(experiment):
        experiment.engine.fit(
            learner, experiment.loaders, experiment.schedule, state, Hooks(), StopRequest()
        )


@contextlib.contextmanager
def companions(experiment: Experiment) -> Iterator[None]:
    """Starts the run's other processes on this machine; inside, they train along.

    Raises:
        RunFailed: one of them failed; what it said is in the log.
    """
    number = experiment.engine.companions
    if number == 0:
        yield
        return
    threads = torch.get_num_threads()
    each = max(threads // (number + 1), 1)
    started: list[_Companion] = []
    with _environment(each), contextlib.ExitStack() as files:
        torch.set_num_threads(each)
        try:
            for rank in range(1, number + 1):
                started.append(_start(rank, experiment.config, files))
            for companion in started:
                companion.await_ready()
            yield
            for companion in started:
                companion.await_end()
        except RuntimeError as error:
            # The end of one breaks the others' connections: the first to end is the one to name.
            _refuse_failed(started, error)
            raise
        finally:
            torch.set_num_threads(threads)
            for companion in started:
                companion.process.kill()
                companion.process.wait()


@dataclass
class _Companion:
    rank: int
    process: subprocess.Popen[str]
    said: IO[str]

    def await_ready(self) -> None:
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != READY:
            self.process.wait()
            raise self.failure()

    def await_end(self) -> None:
        """A process that is done and does not end must not cost the run that it trained."""
        try:
            status = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning(
                f"process {self.rank} of this machine has not ended {PATIENCE_SECONDS:g} seconds "
                "after training, and is killed"
            )
        else:
            if status != 0:
                raise self.failure()

    def failure(self) -> RunFailed:
        """What it said goes to the log, its last line into the exception."""
        self.said.seek(0)
        # torch puts the rank before each line.
        said = re.sub(r"^\[rank\d+\]: ", "", self.said.read(), flags=re.MULTILINE)
        lines = said.strip().splitlines() or ["it said nothing"]
        log.error("\n".join([f"process {self.rank} of this machine:", *lines]))
        return RunFailed(
            f"process {self.rank} of this machine failed with status {self.process.returncode}: "
            f"{lines[-1]}"
        )


def _start(rank: int, config: dict[str, Any], files: contextlib.ExitStack) -> _Companion:
    said: IO[str] = files.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115  # it is
    process = subprocess.Popen(
        [sys.executable, "-m", "cifar_lab.recipe.processes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        text=True,
        env={**os.environ, "LOCAL_RANK": str(rank)},
        start_new_session=True,  # Ctrl-C is the leader's to answer
    )
    files.enter_context(process)
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has died already, and is asked why
        process.stdin.write(json.dumps(config))
        process.stdin.close()
    return _Companion(rank, process, said)


def _refuse_failed(started: list[_Companion], error: RuntimeError) -> None:
    deadline = time.monotonic() + GRACE_SECONDS
    while not isinstance(error, RunFailed) and time.monotonic() < deadline:
        for companion in started:
            if companion.process.poll():
                raise companion.failure() from error
        time.sleep(0.05)


@contextlib.contextmanager
def _environment(threads: int) -> Iterator[None]:
    """Tells Lightning that the processes are there, where they meet, and their threads."""
    told = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "OMP_NUM_THREADS": str(threads),
        **os.environ,
        "LOCAL_RANK": "0",
    }
    added = told.keys() - os.environ.keys()
    os.environ.update(told)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _main() -> None:
    experiment = assembly.experiment(json.load(sys.stdin))
    print(READY, flush=True)
    follow(experiment)


if __name__ == "__main__":
    _main()
