"""What is sent of a run, and under which names: decided once for all trackers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cifar_lab.run.folder import OUTPUTS, RunFolder
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.run.summary import Summary

#: How a run ended, or that it has not.
State = Literal["running", "done", "failed", "interrupted"]
#: Splits that columns of metrics.csv begin with.
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Facts:
    """What trackers send of a run, read from its folder.

    Attributes:
        folder: of the run.
        name: of the hook in the run's configuration.
    """

    folder: RunFolder
    name: str

    @property
    def place(self) -> Path:
        """Folder below the run's for what the tracker itself writes."""
        return self.folder.path / "hooks" / self.name

    @property
    def run(self) -> Run:
        """The run as its files are now."""
        return Run(self.folder)

    @property
    def id(self) -> str:
        """Tells the run from all others; the path of one from before runs had an id."""
        return self.run.id or self.folder.path.as_posix()

    @property
    def title(self) -> str:
        """A short name: of a sweep's job its own, of another run its date and time."""
        path = self.folder.path.resolve()
        return path.name if self.sweep else f"{path.parent.name}_{path.name}"

    @property
    def sweep(self) -> SweepFolder | None:
        """The sweep that the run is a job of."""
        above = [SweepFolder(path) for path in self.folder.path.absolute().parents]
        return next((sweep for sweep in above if sweep.exists()), None)

    @property
    def group(self) -> str | None:
        """Name of that sweep: its folder below ``outputs``."""
        return None if self.sweep is None else below_outputs(self.sweep.path)

    @property
    def started(self) -> float:
        """Time of the run's start, in seconds since 1970."""
        return datetime.fromisoformat(self.run.status.started).timestamp()

    def rows(self) -> list[Row]:
        """The rows of metrics.csv so far."""
        path = self.folder.metrics
        return read_metrics(path) if path.is_file() else []

    def parameters(self) -> dict[str, str | int | float | bool]:
        """The configuration with flat keys, e.g. ``optimizer.lr``."""
        return dict(_flat(self.run.config))

    def tags(self) -> dict[str, str]:
        """Which run it is, and how to run it again."""
        run = self.run
        found = {"run": self.id, "folder": self.folder.path.as_posix()}
        if run.began:
            found["command"] = run.provenance.command
            if run.provenance.git is not None:
                found["commit"] = run.provenance.git.commit
        if self.group is not None:
            found["sweep"] = self.group
        return {f"cifar_lab.{key}": value for key, value in found.items()}

    def summary(self) -> Summary | None:
        """The run's result; None if it did not finish."""
        run = self.run
        return run.summary if run.finished else None

    def figures(self) -> dict[str, Path]:
        """The figures of its report, by name."""
        return {path.stem: path for path in sorted((self.folder.path / "figures").glob("*.png"))}

    def files(self) -> dict[str, Path]:
        """The files to send, by their name at the tracker."""
        folder = self.folder
        named = {
            "report.html": folder.report,
            "config.yaml": folder.config,
            "data.json": folder.data,
            "summary.json": folder.summary,
            **{f"figures/{path.name}": path for path in self.figures().values()},
        }
        return {name: path for name, path in named.items() if path.is_file()}


def measured(row: Row) -> dict[str, float]:
    """Return a row by the names of its metrics, without its epoch.

    ``train_loss`` becomes ``loss/train``, so that trackers draw the splits in one chart.
    """
    return {_metric(column): value for column, value in row.items() if column != "epoch"}


def results(summary: Summary) -> dict[str, float]:
    """Return what a run came to, by name, e.g. ``result/accuracy/test``."""
    found: dict[str, float] = {
        "parameters": summary.parameters,
        "multiply_adds": summary.multiply_adds,
        "training_seconds": summary.training_seconds,
    }
    for split, result in (("val", summary.validation), ("test", summary.test)):
        if result is not None:
            found |= {f"accuracy/{split}": result.accuracy, f"loss/{split}": result.loss}
    return {f"result/{name}": value for name, value in found.items()}


def ends(rows: Sequence[Row], started: float) -> list[float]:
    """Return when each epoch ended, in seconds since 1970, from how long each took.

    A row that is sent again therefore has the same time.
    """
    times, now = [], started
    for row in rows:
        now += row.get("epoch_seconds", 0.0)
        times.append(now)
    return times


def below_outputs(path: Path) -> str:
    """Return a path from ``outputs`` on, if it is below a folder of that name."""
    parts = path.absolute().parts
    last = max((n for n, part in enumerate(parts) if part == OUTPUTS.name), default=None)
    return path.as_posix() if last is None else "/".join(parts[last + 1 :])


def _metric(column: str) -> str:
    split, _, quantity = column.partition("_")
    name = f"{quantity}/{split}" if split in SPLITS and quantity else column
    return re.sub(r"[^\w\-. /]", "_", name)


def _flat(node: Any, key: str = "") -> Iterator[tuple[str, str | int | float | bool]]:
    """Yield the values below a node by their dotted keys; lists as JSON."""
    if isinstance(node, Mapping) and node:
        for name, value in node.items():
            yield from _flat(value, f"{key}.{name}" if key else str(name))
    elif isinstance(node, (str, int, float, bool)):
        yield key, node
    else:
        yield key, json.dumps(node, ensure_ascii=False)
