"""Whatever happens to a job, the others run, and resuming gives what an undisturbed sweep gives."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.record import Run
from tests.sweeps.sweeps import HERE, TINY, board, found, troubles

JOBLIB = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
each_launcher = pytest.mark.parametrize(
    "launcher",
    [[], pytest.param(JOBLIB, marks=pytest.mark.extra("joblib"))],
    ids=["basic", "joblib"],
)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@each_launcher
def test_failing_exiting_and_killed_jobs_cost_nothing_else(launcher, tmp_path, capsys):
    kinds = troubles(tmp_path, "none,fail,kill,exit")
    words = ["train", "-m", *TINY, *kinds, "seed=0,1", *launcher, "--no-timing"]
    for kind in ("fail", "kill", "exit"):
        (tmp_path / kind).touch()  # so that nothing happens
    assert main([*words, "hydra.sweep.dir=outputs/undisturbed"]) == 0
    undisturbed = board(found("outputs/undisturbed")[0])
    for kind in ("fail", "kill", "exit"):
        (tmp_path / kind).unlink()
    capsys.readouterr()

    assert main([*words, HERE]) == 1
    told = capsys.readouterr().out
    folder, plan, rows = found()
    states = {name: row.state for name, row in rows.items()}
    struck = {name for name, state in states.items() if state == "failed"}
    assert {name.partition("kind=")[2].partition(",")[0] for name in struck} == {
        "fail", "kill", "exit",
    }  # fmt: skip
    assert len(struck) == 3
    assert len(states) == len(plan.jobs) == 8
    for name in struck:
        status = Run(folder.job(name)).status
        assert status.state == "failed"
        if "kind=fail" in name:
            assert status.error == "ValueError: asked to fail"
            assert "in _strike" in (status.traceback or "")
        elif "kind=exit" in name:
            assert status.error == "SystemExit: 0"
        else:
            assert "its process was killed" in (status.error or "")
            assert status.deaths == 1
        assert f"failed: {name}" in told
    assert main(["resume", "outputs/here"]) == 0
    folder, _, rows = found()
    assert {row.state for row in rows.values()} == {"done"}
    # One that was taken along by the killed one before it struck was continued once more.
    assert min(row.attempts for name, row in rows.items() if name in struck) == 2
    assert board(folder) == undisturbed


@pytest.mark.slow
def test_a_job_that_kills_its_process_twice_is_not_tried_a_third_time(tmp_path, capsys):
    words = ["train", "-m", *TINY, *troubles(tmp_path, "kill"), "seed=0,1", "--no-timing", HERE]
    for _ in range(2):
        assert main(words) == 1
        (tmp_path / "kill").unlink()
    capsys.readouterr()
    first = next(job for job in found()[1].jobs)
    folder = found()[0]
    assert Run(folder.job(first.name)).status.deaths == 2
    main(["resume", "outputs/here"])
    told = capsys.readouterr().out
    assert f"{first.name} is not tried again: its process was killed 2 times" in told
    assert Run(folder.job(first.name)).status.deaths == 2


@pytest.mark.slow
@each_launcher
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_jobs_save_and_stops_the_sweep_in_order(launcher, signum, tmp_path):
    words = ["train", "-m", *TINY, *troubles(tmp_path, "wait"), "seed=range(4)", "--no-timing"]
    words += [HERE, "trainer.limit_batches=20", "trainer.epochs=2", *launcher]
    process = subprocess.Popen(
        [sys.executable, "-m", "cifar_lab", *words], stdout=subprocess.PIPE, text=True
    )
    marks = Path("outputs/here/.running")
    deadline = time.monotonic() + 240
    while not (marks.is_dir() and _training()) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signum)
    told = process.communicate(timeout=120)[0]
    assert process.returncode == 128 + signum
    assert "continue with `cifar-lab resume outputs/here`" in told
    folder, plan, _ = found()
    begun = [Run(folder.job(job.name)) for job in plan.jobs if folder.job(job.name).exists()]
    assert 1 <= len(begun) <= 2
    assert {run.state for run in begun} == {"interrupted"}
    assert any(run.folder.last_checkpoint.is_file() for run in begun)  # one may just have begun
    assert list(marks.iterdir()) == []
    assert not folder.stop.exists()


def _training() -> bool:
    return any(Path("outputs/here").glob("*/provenance.json"))
