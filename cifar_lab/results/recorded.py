"""Recorded runs in ``experiments/results/``, grouped by experiment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifar_lab.nodes import FIND, PLACES
from cifar_lab.run.folder import RecordedFolder
from cifar_lab.run.provenance import config_hash
from cifar_lab.run.record import Run

#: Root keys that do not define the experiment: they only distinguish its runs.
WITHOUT_EFFECT = ("seed", "report", "evaluate_test", "hooks")
#: Configuration keys that shorten a run unless they are null.
SHORTENING = (
    ("trainer", "limit_batches"),
    ("trainer", "limit_epochs"),
    ("dataset", "limit_train_images"),
)


def read_results(results: Path) -> list[Run]:
    """Every recorded run, sorted by path; their files are read lazily."""
    files = sorted(results.glob("*/*/config.json"))
    return [Run(RecordedFolder(file.parent)) for file in files]


def grouped(runs: Sequence[Run]) -> list[list[Run]]:
    """Group runs by experiment and hardware, in the order of each group's first run."""
    groups: dict[tuple[str, ...], list[Run]] = defaultdict(list)
    for run in runs:
        experiment = (run.summary.name, experiment_hash(run.config))
        groups[(*experiment, run.provenance.hardware)].append(run)
    return list(groups.values())


def told_apart(groups: Sequence[Sequence[Run]]) -> list[str]:
    """Name each group: its experiment and, where several are of one, what tells them apart.

    That is the device, if it is enough, else all of the hardware; groups that differ in another
    setting are numbered besides.
    """
    names = [group[0].summary.name for group in groups]
    made = [group[0].provenance for group in groups]
    for ends in (
        [f" on {each.device_name}" for each in made],
        [each.hardware.removeprefix(each.device_name) for each in made],
    ):
        names = [
            f"{name}{end}" if names.count(name) > 1 else name
            for name, end in zip(names, ends, strict=True)
        ]
    return [
        f"{name}, {names[: place + 1].count(name)}" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]


def shortened(run: Run) -> list[str]:
    """Why a run is not as long as its configuration plans, on all images; empty if it is."""
    trained, planned = run.summary.epochs_trained, run.summary.epochs_planned
    reasons = [f"{trained} of {planned} epochs"] if trained < planned else []
    if trained == planned and run.summary.stopped is not None:
        reasons.append(run.summary.stopped)  # the last epoch was cut short
    return reasons + [
        f"{group}.{key}={run.config[group][key]}"
        for group, key in SHORTENING
        if run.config.get(group, {}).get(key) is not None
    ]


def experiment_hash(config: dict[str, Any]) -> str:
    """Return a hash of what defines an experiment: equal for its runs with different seeds.

    Args:
        config: as plain values.
    """
    # The hardware names the precision that was used, whether it was stated or chosen.
    config = {**config, "trainer": {**config.get("trainer", {}), "precision": None}}
    if config.get("extends"):  # where the parent lies, and its seed, define no experiment
        parent = {key: config["extends"][key] for key in ("epochs", "recipe")}
        config = {**config, "extends": parent}
    idle = config.get("scheduler", {}).get("max_lr") != FIND
    kept = {
        group: {k: v for k, v in node.items() if f"{group}.{k}" not in PLACES}
        if isinstance(node, dict)
        else node
        for group, node in config.items()
        if group not in WITHOUT_EFFECT and not (idle and group == "lr_finder")
    }
    return config_hash(kept)
