"""The process that died first is known, also if others are ended at once afterwards."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.watch import Watch, mark, running


def _job(path, number):
    mark(SweepFolder(path), number)
    time.sleep(60)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux 5.3")
@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_first_to_die_is_told_from_those_that_follow(first, tmp_path):
    folder = SweepFolder(tmp_path)
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=_job, args=(tmp_path, number)) for number in range(3)]
    with Watch(folder) as watch:
        for job in jobs:
            job.start()
        deadline = time.monotonic() + 60
        while (len(running(folder)) < 3 or len(watch._opened) < 3) and time.monotonic() < deadline:
            time.sleep(0.01)
        pids = running(folder)
        os.kill(pids[first], signal.SIGKILL)
        jobs[first].join()
        time.sleep(0.3)
        for job in jobs:
            job.kill()
            job.join()
        time.sleep(0.3)
        assert watch.first_to_die(set(pids.values())) == pids[first]


def test_a_process_on_another_machine_is_not_taken_for_one_of_this(tmp_path):
    folder = SweepFolder(tmp_path)
    mark(folder, 1)
    (folder.running / "2").write_text("1 elsewhere")
    assert running(folder) == {1: os.getpid(), 2: 0}
