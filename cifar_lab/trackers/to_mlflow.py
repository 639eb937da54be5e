"""MLflow: a run in an experiment of a server or of an SQLite file."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from cifar_lab.run.files import not_followed
from cifar_lab.trackers.facts import below_outputs, ends, measured, results
from cifar_lab.trackers.sent import hashed
from cifar_lab.trackers.tracker import Tracker

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.run.sweep_folder import SweepFolder
    from cifar_lab.trackers.facts import Facts, State
    from cifar_lab.trackers.sent import Sent

SQLITE = "sqlite:///"
#: MLflow's names of how a run ended.
STATUS = {"done": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
#: What MLflow accepts: characters of a parameter and of a tag, entries of a batch.
PARAMETER_LENGTH, TAG_LENGTH, BATCH_PARAMETERS, BATCH_METRICS = 6000, 8000, 100, 1000


@dataclass(kw_only=True, eq=False)
class MLflow(Tracker):
    """Sends configuration, metrics, tags and files to MLflow; a sweep's jobs are child runs.

    A run is found again by its tag ``cifar_lab.run``, and what MLflow has is not sent twice.

    Args:
        tracking_uri: address of a server, or ``sqlite:///FILE``.
        experiment: name of the experiment.
    """

    package: ClassVar[str] = "mlflow"

    tracking_uri: str
    experiment: str

    def environment(self) -> Mapping[str, str]:
        # A server that does not answer is tried again after the next epoch.
        times = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
        mine = {key: os.environ.get(key, value) for key, value in times.items()}
        return {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", **mine}

    def session(self, facts: Facts, sent: Sent) -> MLflowRun:
        return MLflowRun(facts, sent, self.tracking_uri, self.experiment)


class MLflowRun:
    """A run at MLflow, found by its tag or created.

    Args:
        facts: what to send.
        sent: what was sent before.
        uri: as in :class:`MLflow`.
        experiment: likewise.
    """

    def __init__(self, facts: Facts, sent: Sent, uri: str, experiment: str) -> None:
        self._facts, self._client = facts, _client(uri)
        self._started = self._now = facts.started
        self._experiment = self._opened(experiment, uri)
        run = self._found("cifar_lab.run", facts.id) or self._created()
        self.id = str(run.info.run_id)
        self._epochs = int(run.data.metrics.get("epoch", 0))
        self._files = sent.files if sent.id == self.id else {}
        self._client.update_run(self.id, status="RUNNING")
        self._describe()

    def add(self, rows: Sequence[Row]) -> None:
        from mlflow.entities import Metric

        times = ends(rows, self._started)
        self._now = times[-1] if times else self._started
        metrics = [
            Metric(name, value, round(1000 * time), int(row["epoch"]))
            for row, time in zip(rows, times, strict=True)
            if row["epoch"] > self._epochs
            # The epoch last: it tells what was sent.
            for name, value in {**measured(row), "epoch": row["epoch"]}.items()
        ]
        for start in range(0, len(metrics), BATCH_METRICS):
            self._client.log_batch(self.id, metrics=metrics[start : start + BATCH_METRICS])
        self._epochs = max([self._epochs, *(int(row["epoch"]) for row in rows)])

    def end(self, state: State) -> None:
        from mlflow.entities import Metric

        now, summary = round(1000 * self._now), self._facts.summary()
        if summary is not None:
            found = results(summary)
            metrics = [Metric(k, v, now, summary.reported_epoch) for k, v in found.items()]
            self._client.log_batch(self.id, metrics=metrics)
        files = self._facts.files()
        for name, content in hashed(files).items():
            if self._files.get(name) != content:
                self._send(name, files[name])
        self._client.set_terminated(self.id, STATUS[state], now)

    def _send(self, name: str, path: Path) -> None:
        folder, _, own = name.rpartition("/")
        if own == path.name:
            self._client.log_artifact(self.id, str(path), folder or None)
        else:
            self._client.log_text(self.id, path.read_text(), name)

    def _describe(self) -> None:
        from mlflow.entities import Param, RunTag

        given = self._facts.parameters().items()
        parameters = [Param(name, str(value)[:PARAMETER_LENGTH]) for name, value in given]
        for start in range(0, len(parameters), BATCH_PARAMETERS):
            part = parameters[start : start + BATCH_PARAMETERS]
            self._client.log_batch(self.id, params=part)
        tags = [RunTag(key, value[:TAG_LENGTH]) for key, value in self._facts.tags().items()]
        self._client.log_batch(self.id, tags=tags)

    def _opened(self, name: str, uri: str) -> str:
        from mlflow.exceptions import MlflowException

        place = None
        if uri.startswith(SQLITE):  # else the server's own
            place = Path(uri.removeprefix(SQLITE)).absolute().with_suffix(".artifacts").as_uri()
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            try:
                return str(self._client.create_experiment(name, artifact_location=place))
            except MlflowException:  # another job was faster
                experiment = self._client.get_experiment_by_name(name)
                if experiment is None:
                    raise
        return str(experiment.experiment_id)

    def _found(self, tag: str, value: str) -> Any:
        quoted = value.replace("'", "\\'")
        runs = self._client.search_runs(
            [self._experiment], f"tags.`{tag}` = '{quoted}'", max_results=1
        )
        return runs[0] if runs else None

    def _created(self) -> Any:
        facts, tags = self._facts, {"cifar_lab.run": self._facts.id}
        if facts.sweep is not None:
            tags["mlflow.parentRunId"] = self._parent(facts.sweep)
        start = round(1000 * self._started)
        return self._client.create_run(self._experiment, start, tags, facts.title)

    def _parent(self, sweep: SweepFolder) -> str:
        """Return the run of the whole sweep; jobs at once agree on who creates it."""
        name = below_outputs(sweep.path)
        with _alone(sweep.trackers_lock):
            run = self._found("cifar_lab.sweep_folder", name)
            if run is None:
                tags = {"cifar_lab.sweep_folder": name}
                run = self._client.create_run(self._experiment, tags=tags, run_name=name)
                self._client.set_terminated(run.info.run_id)
        return str(run.info.run_id)


def _client(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    if not uri.startswith(SQLITE):
        return MlflowClient(uri)
    path = Path(uri.removeprefix(SQLITE))
    path.parent.mkdir(parents=True, exist_ok=True)
    # The first one makes the tables, which fails if another does so at the same time.
    with _alone(path.with_name(f".{path.name}.lock")):
        return MlflowClient(uri)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process at a time do what is inside."""
    with open(lock, "w", opener=not_followed) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
