"""Worker processes of a run that trains on several devices.

The leader starts the workers on its own machine, passes each the configuration, and waits until
they are ready. On other machines, and under torchrun, processes started with the same command
follow the leader.
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
from cifar_lab.engine.fit import NonFinite
from cifar_lab.engine.hooks import Hooks
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.state import TrainingState
from cifar_lab.nodes import HOOKS
from cifar_lab.own_code import as_plain, from_plain, permitted
from cifar_lab.recipe.leader import end_with
from cifar_lab.refusal import RunFailed

log = logging.getLogger("cifar_lab")

#: What a worker prints when it has built its experiment.
READY = "ready"
#: How long to wait for a worker to exit: after training, and after another process failed.
PATIENCE_SECONDS, GRACE_SECONDS = 60.0, 3.0


def follow(experiment: Experiment) -> None:
    """Train this process's share of a run that another process leads; writes nothing."""
    learner = experiment.learner
    decay, warmup = experiment.plan.ema_decay, experiment.plan.ema_warmup
    state = TrainingState(learner.model, experiment.optimizer, decay, learner.device, warmup)
    # The leader reports a failed training; here, it is the end like any other.
    with worker_processes(experiment), contextlib.suppress(NonFinite):
        experiment.engine.fit(
            learner, experiment.loaders, experiment.schedule, state, Hooks(), StopRequest()
        )


@contextlib.contextmanager
def worker_processes(experiment: Experiment) -> Iterator[None]:
    """Start the run's workers on this machine; they train along with the code inside.

    Raises:
        RunFailed: a worker failed; its output is in the log.
    """
    number = experiment.engine.local_workers
    if number == 0:
        yield
        return
    threads = torch.get_num_threads()
    each = max(threads // (number + 1), 1)
    started: list[_Worker] = []
    with _environment(each), contextlib.ExitStack() as files:
        torch.set_num_threads(each)
        try:
            for rank in range(1, number + 1):
                started.append(_start(rank, _as_led(experiment), files))
            for worker in started:
                worker.await_ready()
            yield
            for worker in started:
                worker.await_end()
        except RuntimeError as error:
            # A worker that exits breaks the connections of all: report the one that exited first.
            _refuse_failed(started, error)
            raise
        finally:
            torch.set_num_threads(threads)
            for worker in started:
                worker.process.kill()
                worker.process.wait()


@dataclass
class _Worker:
    rank: int
    process: subprocess.Popen[str]
    output: IO[str]

    def await_ready(self) -> None:
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != READY:
            self.process.wait()
            raise self.failure()

    def await_end(self) -> None:
        """Wait until the worker exits; one that hangs after training must not fail the run."""
        try:
            status = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning(
                f"process {self.rank} on this machine did not exit within {PATIENCE_SECONDS:g} "
                "seconds after training and was killed"
            )
        else:
            if status != 0:
                raise self.failure()

    def failure(self) -> RunFailed:
        """Log the worker's output and return an exception with its last line."""
        self.output.seek(0)
        # torch prefixes each line with the rank.
        output = re.sub(r"^\[rank\d+\]: ", "", self.output.read(), flags=re.MULTILINE)
        lines = output.strip().splitlines() or ["no output"]
        log.error("\n".join([f"process {self.rank} on this machine:", *lines]))
        return RunFailed(
            f"process {self.rank} on this machine failed with status {self.process.returncode}: "
            f"{lines[-1]}"
        )


def _as_led(experiment: Experiment) -> dict[str, Any]:
    """The configuration with the leader's precision, which a worker might choose differently.

    It has no hooks, as only the leader calls them.
    """
    trainer = {**experiment.config["trainer"], "precision": experiment.learner.precision}
    return {**experiment.config, "trainer": trainer, HOOKS: {}}


def _start(rank: int, config: dict[str, Any], files: contextlib.ExitStack) -> _Worker:
    output: IO[str] = files.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115  # files closes it
    process = subprocess.Popen(
        [sys.executable, "-m", "cifar_lab.recipe.processes", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=output,
        text=True,
        env={**os.environ, "LOCAL_RANK": str(rank)},
        start_new_session=True,  # only the leader handles Ctrl-C
    )
    files.enter_context(process)
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has exited already; await_ready reports why
        own = as_plain(permitted())
        process.stdin.write(json.dumps({"config": config, "own_code": own}))
        process.stdin.close()
    return _Worker(rank, process, output)


def _refuse_failed(started: list[_Worker], error: RuntimeError) -> None:
    deadline = time.monotonic() + GRACE_SECONDS
    while not isinstance(error, RunFailed) and time.monotonic() < deadline:
        for worker in started:
            if worker.process.poll():
                raise worker.failure() from error
        time.sleep(0.05)


@contextlib.contextmanager
def _environment(threads: int) -> Iterator[None]:
    """Tell Lightning that the processes exist, where they connect, and how many threads to use."""
    variables = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "OMP_NUM_THREADS": str(threads),
        **os.environ,
        "LOCAL_RANK": "0",
    }
    added = variables.keys() - os.environ.keys()
    os.environ.update(variables)
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
    end_with(leader=int(sys.argv[1]))
    told = json.load(sys.stdin)
    for own in from_plain(told["own_code"]):
        own.make_importable()
    experiment = assembly.experiment(told["config"])
    print(READY, flush=True)
    follow(experiment)


if __name__ == "__main__":
    _main()
