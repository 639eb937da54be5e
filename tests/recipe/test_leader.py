"""A worker ends with its leader, however the leader ends; with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

#: Prints the process ids of itself and of its own worker, and waits for what never comes.
WORKER = """
import multiprocessing, os, sys, time
from cifar_lab.recipe.leader import end_with
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,), daemon=True)
child.start()
end_with(int(sys.argv[1]))
print(os.getpid(), child.pid, flush=True)
time.sleep(60)
"""
#: Starts such a worker in a session of its own, as processes that train together are.
LEADER = """
import os, subprocess, sys, time
leader = sys.argv[2] if len(sys.argv) > 2 else str(os.getpid())
subprocess.Popen([sys.executable, "-c", sys.argv[1], leader], start_new_session=True)
time.sleep(60)
"""


def test_a_worker_and_its_own_workers_end_soon_after_a_leader_that_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", LEADER, WORKER], stdout=subprocess.PIPE, text=True
    ) as leader:
        workers = [int(word) for word in leader.stdout.readline().split()]
        time.sleep(0.3)
        assert [pid for pid in workers if not is_alive(pid)] == []
        leader.kill()
        assert ended(workers, within=10)


def test_a_worker_whose_leader_has_died_already_ends_at_once():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(30)
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(gone.pid)], stdout=subprocess.PIPE)
    with worker:
        assert worker.wait(10) == 1


def is_alive(pid: int) -> bool:
    """Whether it runs; one that ended may wait for a parent that has not asked."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ended(pids: list[int], within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not any(is_alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(autouse=True, scope="module")
def _on_linux():
    if not os.path.isdir("/proc/self"):
        pytest.skip("needs /proc to see whether a process runs")
