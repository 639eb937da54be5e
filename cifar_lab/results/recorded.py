"""Recorded runs in ``experiments/results/``, and which of them are of one experiment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cifar_lab.nodes import FIND
from cifar_lab.run.files import read_json
from cifar_lab.run.older import with_current_targets
from cifar_lab.run.provenance import config_hash

#: Configuration keys, as (group, key), that do not make another experiment: where it ran.
PLACES = (("dataset", "root"), ("dataset", "cache_dir"))


#: Keys of the root that change no result of an experiment, but which run of it this is.
WITHOUT_EFFECT = ("seed", "report")


#: What runs from before there was mixing did; they do not say so.
NO_MIXING = {"_target_": "cifar_lab.data.no_mixing"}


class Result(NamedTuple):
    """A recorded run."""

    folder: Path
    config: dict[str, Any]
    summary: dict[str, Any]
    provenance: dict[str, Any]


def read_results(results: Path) -> list[Result]:
    """Every recorded run, in the order of its path."""
    return [
        Result(
            file.parent,
            with_current_targets(read_json(file)),
            read_json(file.with_name("summary.json")),
            read_json(file.with_name("provenance.json")),
        )
        for file in sorted(results.glob("*/*/config.json"))
    ]


def grouped(results: Sequence[Result]) -> list[list[Result]]:
    """Runs of one experiment on one kind of hardware together, in the order of the first."""
    groups: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    for result in results:
        experiment = (result.summary["name"], _experiment_hash(result.config))
        groups[(*experiment, hardware(result.provenance))].append(result)
    return list(groups.values())


def hardware(made: dict[str, Any]) -> str:
    """What a run was computed on; libraries may have been told to use only a part of it."""
    limits = [
        f"{key}={value}"
        for key, value in made.get("environment", {}).items()
        if key.endswith("_MAX_CPU_ISA")
    ]
    processes = made.get("processes", 1)  # one, before there could be several
    several = [f"{processes} processes"] if processes > 1 else []
    threads = f"{made['threads']} thread{'s' if made['threads'] > 1 else ''}"
    return ", ".join((made["device_name"], *several, threads, made["precision"], *limits))


def commit(made: dict[str, Any]) -> str:
    """What a run's code was, as far as a checkout can tell."""
    git = made["git"]
    if git is None:
        return "none"
    return f"`{git['commit'][:12]}`{' (changed)' if git['dirty'] else ''}"


def _experiment_hash(config: dict[str, Any]) -> str:
    idle = config.get("scheduler", {}).get("max_lr") != FIND
    kept = {
        group: {k: v for k, v in node.items() if (group, k) not in PLACES}
        if isinstance(node, dict)
        else node
        for group, node in config.items()
        if group not in WITHOUT_EFFECT and node != NO_MIXING and not (idle and group == "lr_finder")
    }
    return config_hash(kept)
