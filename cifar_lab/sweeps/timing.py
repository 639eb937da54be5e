"""Tells how long a sweep will take, from one timed batch of each distinct choice."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from cifar_lab import assembly
from cifar_lab.run.provenance import PrecisionProbe

#: At most so many choices are timed, and no further one begins after so many seconds.
MOST_CHOICES, MOST_SECONDS = 20, 60.0
#: Keys of the trainer that change how long a batch takes.
OF_A_BATCH = ("batch_size", "precision", "channels_last", "test_time_flips", "_target_")


def expected_seconds(
    jobs: Sequence[dict[str, Any]], tried: assembly.Tried, probe: PrecisionProbe | None
) -> list[float | None]:
    """Return how long each job will train; None for choices that were not timed.

    Augmentation, checkpoints and reports are not counted.

    Args:
        jobs: configurations as plain values, without problems.
        tried: parts that were built for them.
        probe: the measurement that ``precision=auto`` goes by.
    """
    times: dict[str, assembly.BatchTimes | None] = {}
    started = time.monotonic()
    seconds: list[float | None] = []
    for job in jobs:
        key = _choice(job)
        if key not in times:
            enough = len(times) >= MOST_CHOICES or time.monotonic() - started > MOST_SECONDS
            times[key] = None if enough else assembly.batch_times(job, tried, probe)
        found = times[key]
        seconds.append(None if found is None else _of_a_run(job["trainer"], found))
    return seconds


def _choice(job: dict[str, Any]) -> str:
    trainer = {key: job["trainer"].get(key) for key in OF_A_BATCH}
    return json.dumps([job["model"], trainer, job["dataset"], job["device"]], sort_keys=True)


def _of_a_run(trainer: dict[str, Any], times: assembly.BatchTimes) -> float:
    limit = trainer.get("limit_epochs")
    epochs = trainer["epochs"] if limit is None else min(limit, trainer["epochs"])
    return float(epochs * times.epoch_seconds)
