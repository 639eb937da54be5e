"""Runs to send, and how a hook sees them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from cifar_lab.hooks.base import RunView
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import metrics_text
from cifar_lab.run.record import Run
from cifar_lab.trackers import Tracker
from tests.made import CONFIG, a_run

#: Three epochs of half a minute each.
ROWS: list[dict[str, float]] = [
    {
        "epoch": epoch,
        "train_loss": 1.5 / epoch,
        "train_accuracy": 0.2 * epoch,
        "val_loss": 1.75 / epoch,
        "val_accuracy": 0.25 * epoch,
        "lr": 0.1 * epoch,
        "epoch_seconds": 30.0,
    }
    for epoch in (1, 2, 3)
]
#: Width and height of the figures, in pixels.
SIZE = (12, 7)


def a_sent_run(
    path: Path,
    tracker: Tracker,
    state: str = "done",
    rows: Sequence[Mapping[str, float]] = ROWS,
    config: Mapping[str, Any] = CONFIG,
) -> RunView:
    """A run as it is at its end, with a report; what a hook sees of it."""
    name = tracker.package
    target = f"cifar_lab.trackers.{type(tracker).__name__}"
    config = {**config, "hooks": {name: {"_target_": target, **tracker.options()}}}
    folder = a_run(path, state, config=config)
    picture = io.BytesIO()
    Image.new("RGB", SIZE, "navy").save(picture, "PNG")
    Run(folder).files.write(
        {
            folder.report: "<html>the report</html>",
            folder.figure("curves"): picture.getvalue(),
            folder.figure("confusion"): picture.getvalue(),
        }
    )
    goes_on(folder, rows)
    return seen(folder)


def goes_on(folder: RunFolder, rows: Sequence[Mapping[str, float]]) -> None:
    """Writes the rows of a run so far."""
    Run(folder).files.write({folder.metrics: metrics_text([dict(row) for row in rows])})


def seen(folder: RunFolder) -> RunView:
    """What a hook sees of a run."""

    def write(name: str, content: str | bytes) -> None:
        raise AssertionError("a tracker writes through its own process")

    return RunView(folder.path, Run(folder).config, tuple(Run(folder).metrics), write)


def trained(tracker: Tracker, view: RunView, epochs: Sequence[int] = (1, 2, 3)) -> None:
    """Calls a hook as a run does that is at these epochs."""
    tracker.on_run_start(view)
    for epoch in epochs:
        tracker.on_epoch_end(view, ROWS[epoch - 1])
    tracker.on_run_end(view, Run(RunFolder(view.path)).summary)
