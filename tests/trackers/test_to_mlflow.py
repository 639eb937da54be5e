from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from cifar_lab.trackers import MLflow
from tests.made import COMMIT, CONFIG
from tests.trackers.runs import ROWS, a_sent_run, goes_on, seen, trained

pytestmark = [pytest.mark.slow, pytest.mark.extra("mlflow")]


def mlflow_at(uri: str) -> MLflow:
    return MLflow(tracking_uri=uri, experiment="digits", patience=120)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Path:
    """A store without runs: making its tables takes seconds."""
    path = tmp_path_factory.mktemp("tables") / "mlflow.db"
    client(f"sqlite:///{path}")
    return path


def client(uri: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's own, of the libraries it imports
        from mlflow.tracking import MlflowClient

        return MlflowClient(uri)


@pytest.fixture
def tracker(tmp_path, tables) -> MLflow:
    shutil.copy(tables, tmp_path)
    return mlflow_at(f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture
def server(tmp_path, tables) -> Iterator[str]:
    """The address of a real server."""
    shutil.copy(tables, tmp_path / "server.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["server", "--host", "127.0.0.1", "--port", f"{port}", "--workers", "1"]
    stored = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    kept = ["--artifacts-destination", f"{tmp_path}/artifacts"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words, *stored, *kept],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": f"{tmp_path}"},
        start_new_session=True,
    )
    try:
        for _ in range(600):
            try:
                urlopen(f"http://127.0.0.1:{port}/health").close()
                break
            except URLError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its own workers as well
        process.wait()


class Store:
    """What MLflow's own client reads."""

    def __init__(self, tracker: MLflow) -> None:
        self.client = client(tracker.tracking_uri)
        self.experiment = self.client.get_experiment_by_name(tracker.experiment)

    def runs(self):
        return self.client.search_runs([self.experiment.experiment_id])

    def history(self, run, name: str):
        return [
            (m.step, m.value, m.timestamp)
            for m in self.client.get_metric_history(run.info.run_id, name)
        ]

    def files(self, run, folder: str = "") -> set[str]:
        return {
            f.path
            for each in self.client.list_artifacts(run.info.run_id, folder)
            for f in (
                self.client.list_artifacts(run.info.run_id, each.path) if each.is_dir else [each]
            )
        }


def assert_sent_once(tracker: MLflow, view) -> None:
    store = Store(tracker)
    (run,) = store.runs()
    began = 1735689600000  # 2025-01-01, as tests.made.a_status says
    expected = [(r["epoch"], r["train_loss"], began + 30_000 * r["epoch"]) for r in ROWS]
    assert store.history(run, "loss/train") == expected
    assert run.info.status == "FINISHED"
    assert run.data.metrics["result/accuracy/test"] == 0.75
    assert run.data.params["optimizer.lr"] == "0.1"
    tags = run.data.tags
    assert tags["cifar_lab.run"] == Run(RunFolder(view.path)).id
    assert tags["cifar_lab.command"] == "cifar-lab train seed=0"
    assert tags["cifar_lab.commit"] == COMMIT
    assert tags["cifar_lab.folder"] == view.path.as_posix()
    assert store.files(run) == {
        "config.yaml",
        "summary.json",
        "report.html",
        "figures/curves.png",
        "figures/confusion.png",
    }


def test_a_run_is_in_the_sqlite_store_once_however_often_it_is_sent(
    tmp_path, tracker, no_connections
):
    view = a_sent_run(tmp_path / "run", tracker)
    trained(tracker, view)
    assert_sent_once(tracker, view)
    (view.path / "hooks" / "mlflow" / "sent.json").unlink()
    trained(tracker, view)
    assert_sent_once(tracker, view)
    no_connections()


def test_a_run_is_at_a_real_server(tmp_path, server):
    tracker = mlflow_at(server)
    view = a_sent_run(tmp_path / "run", tracker)
    trained(tracker, view)
    assert_sent_once(tracker, view)
    trained(tracker, view)
    assert_sent_once(tracker, view)


def test_a_resumed_run_goes_on_in_its_run(tmp_path, tracker):
    view = a_sent_run(tmp_path / "run", tracker, "interrupted", ROWS[:1])
    tracker.on_run_start(view)
    tracker._end(view, "interrupted", 120)
    store = Store(tracker)
    assert [run.info.status for run in store.runs()] == ["KILLED"]
    goes_on(RunFolder(view.path), ROWS)
    tracker.on_run_start(seen(RunFolder(view.path)))
    tracker._end(view, "failed", 120)
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    assert [step for step, *_ in store.history(run, "lr")] == [1, 2, 3]


def test_a_sweeps_jobs_are_children_of_one_run(tmp_path):
    """The first ones, at once, make the store as well."""
    tracker = mlflow_at(f"sqlite:///{tmp_path}/mlflow.db")
    sweep = tmp_path / "outputs" / "digits" / "the-sweep"
    sweep.mkdir(parents=True)
    (sweep / "sweep.json").write_text("{}")
    views = [a_sent_run(sweep / name, tracker) for name in ("lr=0.1", "lr=0.2")]
    # At once, as the jobs of a sweep are.
    trackers = [mlflow_at(tracker.tracking_uri) for _ in views]
    for each, view in zip(trackers, views, strict=True):
        each.on_run_start(view)
    for each, view in zip(trackers, views, strict=True):
        each.on_run_end(view, Run(RunFolder(view.path)).summary)
    names = {run.info.run_name: run for run in Store(tracker).runs()}
    assert set(names) == {"digits/the-sweep", "lr=0.1", "lr=0.2"}
    parent = names["digits/the-sweep"].info.run_id
    for job in ("lr=0.1", "lr=0.2"):
        assert names[job].data.tags["mlflow.parentRunId"] == parent


def test_long_values_are_cut_and_many_are_sent(tmp_path, tracker):
    many = {f"key{n}": n for n in range(250)}
    config = {**CONFIG, "model": {"_target_": "M", "text": "x" * 7000, **many}}
    trained(tracker, a_sent_run(tmp_path / "run", tracker, config=config))
    (run,) = Store(tracker).runs()
    assert run.data.params["model.text"] == "x" * 6000
    assert run.data.params["model.key249"] == "249"


def test_where_the_files_of_an_sqlite_store_are(tmp_path, tracker, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained(tracker, a_sent_run(Path("run"), tracker))
    assert {path.name for path in tmp_path.iterdir()} == {
        "run",
        "mlflow.db",
        ".mlflow.db.lock",
        "mlflow.artifacts",
    }
