"""TensorBoard: event files in the run's folder."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator

from cifar_lab.trackers.facts import ends, measured, results
from cifar_lab.trackers.tracker import Tracker

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.trackers.facts import Facts, State
    from cifar_lab.trackers.sent import Sent

#: What names of event files begin with.
EVENTS = "events.out.tfevents."
#: TensorBoard's names of the states of a trial.
STATUS = {"done": "STATUS_SUCCESS", "failed": "STATUS_FAILURE", "interrupted": "STATUS_UNKNOWN"}


def _inside(folder: str) -> str:
    path = PurePath(folder)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("must be a folder inside the run's, e.g. tensorboard")
    return folder


#: Path of a folder below the run's.
InsideTheRun = Annotated[str, AfterValidator(_inside)]


@dataclass(kw_only=True, eq=False)
class TensorBoard(Tracker):
    """Writes event files: metrics by epoch, figures, and hyperparameters with the results.

    ``tensorboard --logdir outputs`` shows all runs, each as one run.

    Args:
        folder: below the run's folder, for the event files.
    """

    package: ClassVar[str] = "tensorboard"

    folder: InsideTheRun

    def session(self, facts: Facts, sent: Sent) -> EventFile:
        return EventFile(facts, self.folder)


class EventFile:
    """One event file with everything; it replaces earlier ones of the run.

    Args:
        facts: what to write.
        folder: below the run's folder.
    """

    def __init__(self, facts: Facts, folder: str) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._facts, self._rows = facts, 0
        self.id = folder
        place = facts.folder.path / folder
        for earlier in place.glob(f"{EVENTS}*"):
            earlier.unlink()
        self._writer = EventFileWriter(str(place))
        self._started = facts.started
        metrics = [f"{quantity}/{split}" for split in ("val", "test") for quantity in _RESULTS]
        for summary in hyperparameters(facts.parameters(), metrics, self._started):
            self._write(summary, 0, self._started)

    def add(self, rows: Sequence[Row]) -> None:
        times = ends(rows, self._started)
        for row, time in list(zip(rows, times, strict=True))[self._rows :]:
            self._scalars(measured(row), int(row["epoch"]), time)
            self._last = int(row["epoch"]), time
        self._rows = len(rows)
        self._writer.flush()

    def end(self, state: State) -> None:
        epoch, time = self._last if self._rows else (0, self._started)
        summary = self._facts.summary()
        if summary is not None:
            self._scalars(results(summary), summary.reported_epoch, time)
        for name, path in self._facts.figures().items():
            self._write(_image(f"figures/{name}", path.read_bytes()), epoch, time)
        self._write(ended(STATUS[state], time), epoch, time)
        self._writer.close()

    def _scalars(self, values: dict[str, float], step: int, time: float) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(Summary(value=scalars), step, time)

    def _write(self, summary: Any, step: int, time: float) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(summary=summary, step=step, wall_time=time))


#: Quantities of a result that the table of hyperparameters shows.
_RESULTS = ("result/accuracy", "result/loss")


def hyperparameters(
    values: dict[str, str | int | float | bool], metrics: Sequence[str], started: float
) -> list[Any]:
    """Return the summaries that make a run's hyperparameters, in the run itself.

    torch's ``add_hparams`` would put them into a second run.

    Args:
        values: by name.
        metrics: names of the results to show beside them.
        started: time of the run's start, in seconds since 1970.
    """
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.api_pb2 import (
        DataType,
        Experiment,
        HParamInfo,
        MetricInfo,
        MetricName,
    )
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    start = SessionStartInfo(start_time_secs=started)
    infos = []
    for name, value in values.items():
        kind, field = _kind(value)
        setattr(start.hparams[name], field, value)
        infos.append(HParamInfo(name=name, type=DataType.Value(kind)))
    shown = [MetricInfo(name=MetricName(tag=metric)) for metric in metrics]
    experiment = Experiment(hparam_infos=infos, metric_infos=shown)
    return [
        _plugin(metadata.EXPERIMENT_TAG, HParamsPluginData(experiment=experiment)),
        _plugin(metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=start)),
    ]


def ended(status: str, time: float) -> Any:
    """Return the third of these summaries: how the run ended, and when."""
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.api_pb2 import Status
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    end = SessionEndInfo(status=Status.Value(status), end_time_secs=time)
    return _plugin(metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=end))


def _kind(value: str | int | float | bool) -> tuple[str, str]:
    if isinstance(value, bool):
        return "DATA_TYPE_BOOL", "bool_value"
    if isinstance(value, str):
        return "DATA_TYPE_STRING", "string_value"
    return "DATA_TYPE_FLOAT64", "number_value"


def _plugin(tag: str, data: Any) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.metadata import create_summary_metadata

    return Summary(value=[Summary.Value(tag=tag, metadata=create_summary_metadata(data))])


def _image(tag: str, png: bytes) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    width, height = struct.unpack(">II", png[16:24])  # PNG 1.2, section 4.1.1: IHDR comes first
    image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
    return Summary(value=[Summary.Value(tag=tag, image=image)])
