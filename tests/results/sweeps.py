"""Plans and rows of sweeps that never ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cifar_lab.results.leaderboard import Leaderboard, ranked
from cifar_lab.results.plan import Asked, Job, Plan
from cifar_lab.results.rows import Row

JUDGED_BY = {"data": "d", "validation images": "v", "test-time flip averaging": "off"}


def a_plan(configurations: Mapping[str, Mapping[str, str]], seeds: int, **changes: Any) -> Plan:
    """A plan of configurations by their hash, each with so many seeds, seeds outermost."""
    jobs = [
        Job(
            number=seed * len(configurations) + place,
            name=f"{configuration},seed={seed}",
            overrides=(),
            values={**values, "seed": str(seed)},
            seed=seed,
            configuration=configuration,
            seconds=None,
        )
        for seed in range(seeds)
        for place, (configuration, values) in enumerate(configurations.items())
    ]
    keys = list(dict.fromkeys(key for values in configurations.values() for key in values))
    told: dict[str, Any] = {
        "id": "0" * 32, "kind": "sweep", "name": "tiny", "command": "cifar-lab train -m",
        "asked": Asked((), (), ()), "config_dir": None, "working_directory": "/work",
        "keys": (*keys, "seed"), "launcher": "basic", "workers": 1, "threads": 2,
        "precision_probe": None, "objective": "val_accuracy", "ranked": True, "test": "closed",
        "test_because": "configurations are compared by their validation images",
        "max_minutes": None, "stop_on_failure": False, "baseline": None, "chosen_from": None,
        "extended": 0, "jobs": tuple(jobs),
    }  # fmt: skip
    return Plan(**{**told, **changes})


def a_row(number: int, accuracy: float, **changes: Any) -> Row:
    """A finished job with a validation accuracy in percent."""
    told: dict[str, Any] = {
        "number": number, "state": "done", "error": None, "attempts": 1,
        "val_accuracy": accuracy / 100, "val_loss": 1.0, "test_accuracy": None, "epochs": 2,
        "parameters": 1000, "multiply_adds": 2_000_000, "training_seconds": 3.0,
        "judged_by": JUDGED_BY,
    }  # fmt: skip
    return Row(**{**told, **changes})


def a_board(
    values: Mapping[str, Sequence[float]], key: str = "width", **changes: Any
) -> Leaderboard:
    """A leaderboard of configurations whose value of ``key`` is their name, with accuracies."""
    seeds = max(map(len, values.values()))
    plan = a_plan({name: {key: name} for name in values}, seeds, **changes)
    rows = {}
    for job in plan.jobs:
        accuracies = values[job.configuration]
        if job.seed < len(accuracies):
            rows[job.number] = a_row(job.number, accuracies[job.seed])
    return ranked(plan, rows)
