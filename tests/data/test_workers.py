"""Worker processes: which errors mean that one was lost."""

from __future__ import annotations

import pytest

from cifar_lab.data.workers import lost_worker


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            RuntimeError("DataLoader worker (pid 5) is killed by signal: Killed. More."),
            "DataLoader worker (pid 5) is killed by signal: Killed",
        ),
        (
            ConnectionResetError(104, "Connection reset by peer"),
            "DataLoader worker lost ([Errno 104] Connection reset by peer)",
        ),
        (EOFError(), "DataLoader worker lost (end of file)"),
        (RuntimeError("a bug"), None),
        (BrokenPipeError(32, "Broken pipe"), None),  # of the terminal
    ],
)
def test_a_lost_worker_is_known_by_its_error(error, told):
    assert lost_worker(error) == told
