from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from cifar_lab.trackers import Trackio
from tests.trackers.runs import ROWS, a_sent_run, goes_on, seen, trained

pytestmark = pytest.mark.extra("trackio")
#: Collects what jobs have written, as the dashboard does, and prints it.
READER = """
import json, trackio
from trackio import fragments
from trackio.sqlite_storage import SQLiteStorage
fragments.import_inbox_dir()
runs = list(trackio.Api().runs("digits"))
print(json.dumps([
    {"id": run.id, "name": run.name, "config": run.config,
     "logs": SQLiteStorage.get_logs("digits", run.name, run_id=run.id)}
    for run in runs
]))
"""


@pytest.fixture
def tracker(tmp_path) -> Trackio:
    directory = str(tmp_path / "outputs" / "trackio")
    return Trackio(project="digits", directory=directory, space_id=None, patience=60)


def read(tracker: Trackio) -> list[dict[str, Any]]:
    """What trackio's own storage has; in a process of its own, as it knows one folder only."""
    printed = subprocess.run(
        [sys.executable, "-c", READER],
        env={**os.environ, **tracker.environment(), "TRACKIO_STORAGE_MODE": "sqlite"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return json.loads(printed.splitlines()[-1])


def test_a_run_has_everything_once_however_often_it_is_sent(tmp_path, tracker, no_connections):
    view = a_sent_run(tmp_path / "run", tracker)
    trained(tracker, view)
    trained(tracker, view)
    no_connections()
    (found,) = read(tracker)
    assert found["id"] == Run(RunFolder(view.path)).id
    assert found["config"]["optimizer.lr"] == 0.1
    assert found["config"]["cifar_lab.command"] == "cifar-lab train seed=0"
    logged = [(log["step"], log["loss/train"]) for log in found["logs"] if "loss/train" in log]
    assert logged == [(row["epoch"], row["train_loss"]) for row in ROWS]
    assert [log["result/accuracy/test"] for log in found["logs"] if "result/parameters" in log] == [
        0.75
    ]
    images = [log["figures/curves"] for log in found["logs"] if "figures/curves" in log]
    assert [image["_type"] for image in images] == ["trackio.image"]
    media = Path(tracker.directory) / "media" / images[0]["file_path"]
    assert media.read_bytes() == (view.path / "figures" / "curves.png").read_bytes()


def test_a_resumed_run_goes_on_in_its_run(tmp_path, tracker):
    view = a_sent_run(tmp_path / "run", tracker, "interrupted", ROWS[:1])
    tracker.on_run_start(view)
    tracker._end(view, "interrupted", 60)
    goes_on(RunFolder(view.path), ROWS)
    tracker.on_run_start(seen(RunFolder(view.path)))
    tracker._end(view, "failed", 60)
    (found,) = read(tracker)
    assert [log["step"] for log in found["logs"] if "lr" in log] == [1, 2, 3]


def test_jobs_at_once_lose_nothing(tmp_path, tracker):
    views = [a_sent_run(tmp_path / f"run{n}", tracker) for n in range(3)]
    hooks = [Trackio(**tracker.options()) for _ in views]
    for hook, view in zip(hooks, views, strict=True):
        hook.on_run_start(view)
    for hook, view in zip(hooks, views, strict=True):
        hook.on_run_end(view, Run(RunFolder(view.path)).summary)
    found = read(tracker)
    assert len({run["id"] for run in found}) == 3
    assert [sum("lr" in log for log in run["logs"]) for run in found] == [3, 3, 3]
