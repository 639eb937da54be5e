"""sweep.json and frozen/: what a sweep runs, as it was composed when the sweep was planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cifar_lab.refusal import Refusal
from cifar_lab.results.search import Search
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.origin import Difference
from cifar_lab.run.provenance import PrecisionProbe
from cifar_lab.run.sweep_folder import SweepFolder


@dataclass(frozen=True)
class Asked:
    """What a sweep was asked for: overrides, ``--set`` and ``--exclude``."""

    overrides: tuple[str, ...]
    sets: tuple[str, ...]
    excluded: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Attributes:
        number: from 0, in the order of the jobs.
        name: of its folder, relative to the sweep's.
        overrides: from which it was composed.
        values: text of its value for each key that varies.
        seed: of weights, data order and augmentation.
        configuration: hash of its configuration without the seed: equal for the runs of which mean
            and standard deviation are taken.
        seconds: that it is expected to take; None if unknown.
    """

    number: int
    name: str
    overrides: tuple[str, ...]
    values: dict[str, str]
    seed: int
    configuration: str
    seconds: float | None


@dataclass(frozen=True)
class Plan:
    """What a sweep runs and how.

    Attributes:
        id: random, 32 hexadecimal digits.
        kind: what it is for.
        name: of the experiment.
        command: starts it anew.
        asked: what it was composed from.
        config_dir: absolute path of the folder of own options, given or found; None without it.
        working_directory: absolute path of the folder in which it was planned; None in records.
        keys: that vary, in order.
        launcher: Hydra's option.
        workers: how many jobs run at once at most; None where the launcher decides.
        threads: CPU threads of each job.
        precision_probe: the measurement that ``precision=auto`` goes by in every job.
        objective: what a job returns.
        ranked: whether configurations are ranked.
        test: whether its jobs evaluate the test images.
        test_because: why, as a clause.
        max_minutes: wall time after which no further job starts; None for no limit.
        stop_on_failure: whether no further job starts once one has failed.
        baseline: of an ablation, the hash of the configuration that nothing is taken from.
        chosen_from: of a confirmation, how many configurations the sweep chose from.
        extended: how many times jobs were added.
        jobs: in the order in which they start; of a search, those that were chosen so far.
        search: how a search chooses them; None for any other kind.
    """

    id: str
    kind: Literal["sweep", "ablation", "confirmation", "search"]
    name: str
    command: str
    asked: Asked
    config_dir: str | None
    working_directory: str | None
    keys: tuple[str, ...]
    launcher: str
    workers: int | None
    threads: int
    precision_probe: PrecisionProbe | None
    objective: str
    ranked: bool
    test: Literal["open", "closed"]
    test_because: str
    max_minutes: float | None
    stop_on_failure: bool
    baseline: str | None
    chosen_from: int | None
    extended: int
    jobs: tuple[Job, ...]
    search: Search | None = None

    @property
    def configurations(self) -> list[str]:
        """The distinct configurations, in the order of their first jobs."""
        return list(dict.fromkeys(job.configuration for job in self.jobs))


@dataclass(frozen=True)
class Frozen:
    """What a job was composed to.

    Attributes:
        config: resolved, except for places.
        written: with its interpolations as they were written.
        overrides: from which it was composed.
        differences: between its configuration and the defaults.
        replaced: files below ``--config-dir`` that were used instead of packaged ones.
        choices: the option that was chosen of each group.
    """

    config: dict[str, Any]
    written: dict[str, Any]
    choices: dict[str, Any]
    overrides: tuple[str, ...]
    differences: tuple[Difference, ...]
    replaced: tuple[str, ...]


def write_plan(
    folder: SweepFolder, plan: Plan, frozen: Sequence[Frozen], hydra: dict[str, Any] | None
) -> None:
    """Write a plan: the jobs first, so that whatever sweep.json names is there.

    Args:
        folder: of the sweep.
        plan: the plan.
        frozen: one for each of its last jobs; earlier ones are written already.
        hydra: Hydra's own node for all jobs; None if it is written already.
    """
    if hydra is not None:
        write_object(folder.hydra, HydraNode(hydra))
    for job, each in zip(plan.jobs[len(plan.jobs) - len(frozen) :], frozen, strict=True):
        write_object(folder.frozen(job.number), each)
    write_object(folder.plan, plan)


@dataclass(frozen=True)
class HydraNode:
    """Hydra's own node of a sweep's configuration, as plain values, unresolved."""

    hydra: dict[str, Any]


def read_plan(folder: SweepFolder) -> Plan:
    """Read the plan of a sweep.

    Raises:
        Refusal: it is missing or damaged.
    """
    return read_object(folder.plan, Plan)


def planned_jobs(folder: SweepFolder) -> int:
    """Count the jobs that a plan has; 0 if it is damaged."""
    try:
        return len(read_plan(folder).jobs)
    except Refusal:
        return 0


def read_frozen(folder: SweepFolder, number: int) -> Frozen:
    """Read what a job was composed to.

    Raises:
        Refusal: it is missing or damaged.
    """
    return read_object(folder.frozen(number), Frozen)


def read_hydra(folder: SweepFolder) -> dict[str, Any]:
    """Read Hydra's own node; its folders are where the sweep lies now, seen from where one stands.

    Raises:
        Refusal: it is missing or damaged.
    """
    hydra, now = read_object(folder.hydra, HydraNode).hydra, {"dir": str(folder.path)}
    return {**hydra, "sweep": {**hydra["sweep"], **now}, "run": {**hydra["run"], **now}}


def sweep_folder(path: Path) -> SweepFolder:
    """Return the folder of a sweep.

    Raises:
        Refusal: there is no sweep.
    """
    folder = SweepFolder(path)
    if not folder.exists():
        raise Refusal(f"{path} is not the folder of a sweep: it has no {folder.plan.name}")
    return folder
