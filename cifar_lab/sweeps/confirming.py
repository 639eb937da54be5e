"""Runs what a sweep chose again, with seeds that it did not use, and opens the test set."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cifar_lab.config.space import SEED, key_of
from cifar_lab.refusal import Refusal
from cifar_lab.results.leaderboard import Leaderboard, leaderboard
from cifar_lab.results.plan import (
    Frozen,
    Job,
    Plan,
    read_frozen,
    read_hydra,
    read_plan,
)
from cifar_lab.results.recorded import experiment_hash
from cifar_lab.run.origin import Difference
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.naming import job_names
from cifar_lab.sweeps.trusted import keep_plan
from cifar_lab.wording import plural

#: What is changed for every run.
OPEN = "evaluate_test"
ALL_IMAGES = "dataset.validation_fraction"


@dataclass(frozen=True)
class Confirmation:
    """What is to be confirmed.

    Attributes:
        seeds: how many new seeds each configuration runs with.
        within_noise: whether all configurations within noise of the best run, and not it alone.
        all_images: whether to train on the validation images as well.
    """

    seeds: int
    within_noise: bool
    all_images: bool


def confirmed(folder: SweepFolder, asked: Confirmation, command: str) -> SweepFolder:
    """Plan a confirmation, in a folder within the sweep's; runs nothing.

    Raises:
        Refusal: the sweep ranks nothing, or not all of its jobs have ended.
    """
    plan = read_plan(folder)
    board = leaderboard(folder)
    chosen = _chosen(folder, plan, board, asked)
    place = next(folder.confirmation(n) for n in range(1, 1000) if not _taken(folder, n))
    first = 1 + max(_seeds_used(folder, plan))
    seeds = range(first, first + asked.seeds)
    jobs: list[Job] = []
    frozen: list[Frozen] = []
    for seed in seeds:
        for of in chosen:
            each = _changed(read_frozen(folder, of.number), seed, asked.all_images)
            values = {**of.values, SEED: str(seed)}
            words = each.overrides
            identity = experiment_hash(each.config)
            jobs.append(Job(len(jobs), "", words, values, seed, identity, of.seconds))
            frozen.append(each)
    names = job_names([job.values for job in jobs])
    confirmation = replace(
        plan,
        id=secrets.token_hex(16),
        kind="confirmation",
        command=command,
        keys=tuple(dict.fromkeys([*plan.keys, SEED])),
        working_directory=str(Path.cwd()),
        ranked=False,
        test="open",
        test_because="a confirmation chooses nothing",
        max_minutes=None,
        baseline=None,
        chosen_from=len(plan.configurations),
        extended=0,
        jobs=tuple(replace(job, name=name) for job, name in zip(jobs, names, strict=True)),
    )
    place.path.mkdir(parents=True)
    hydra = read_hydra(folder)
    at = {"dir": str(place.path)}
    moved = {**hydra, "sweep": {**hydra["sweep"], **at}, "run": {**hydra["run"], **at}}
    keep_plan(place, confirmation, frozen, moved)
    return place


def _chosen(folder: SweepFolder, plan: Plan, board: Leaderboard, asked: Confirmation) -> list[Job]:
    """The first job of each configuration to confirm."""
    best = board.best
    if plan.kind == "confirmation" or best is None or not plan.ranked:
        raise Refusal(
            f"{folder.path} ranks no configurations, so there is nothing to confirm; give a sweep "
            "that compares configurations by validation images"
        )
    if board.unfinished:
        raise Refusal(
            f"{folder.path} is not finished: {plural(board.unfinished, 'job is', 'jobs are')} "
            f"left; continue it with `cifar-lab resume {folder.path}`"
        )
    chosen = [e for e in board.entries if asked.within_noise and e.within_noise] or [best]
    by_hash = {job.configuration: job for job in reversed(plan.jobs)}
    return [by_hash[each.configuration] for each in chosen]


def _taken(folder: SweepFolder, number: int) -> bool:
    return folder.confirmation(number).path.exists()


def _seeds_used(folder: SweepFolder, plan: Plan) -> list[int]:
    """Every seed of the sweep and of its earlier confirmations."""
    seeds = [job.seed for job in plan.jobs]
    for number in range(1, 1000):
        earlier = folder.confirmation(number)
        if not earlier.exists():
            return seeds
        seeds += [job.seed for job in read_plan(earlier).jobs]
    return seeds


def _changed(frozen: Frozen, seed: int, all_images: bool) -> Frozen:
    """A job with another seed that opens the test set; the rest stays as it was frozen."""
    changes: dict[str, Any] = {SEED: seed, OPEN: True, **({ALL_IMAGES: 0} if all_images else {})}
    words = [word for word in frozen.overrides if key_of(word) not in changes]
    told = [each for each in frozen.differences if each.key not in changes]
    return replace(
        frozen,
        config=_with(frozen.config, changes),
        written=_with(frozen.written, changes),
        overrides=(*words, *(f"{key}={_word(value)}" for key, value in changes.items())),
        differences=(*told, *_differences(frozen.config, changes)),
    )


def _with(config: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    changed = dict(config)
    for key, value in changes.items():
        group, dot, last = key.partition(".")
        changed[group] = {**config[group], last: value} if dot else value
    return changed


def _word(value: Any) -> str:
    return str(value).lower()


def _differences(config: dict[str, Any], changes: dict[str, Any]) -> Sequence[Difference]:
    """The new seed, and the images that are now trained on, as the report lists them."""
    return [
        Difference(key, "as in the sweep", _word(value))
        for key, value in changes.items()
        if key != OPEN
    ]
