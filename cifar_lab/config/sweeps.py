"""Splits a sweep into its jobs, and checks that there are some and that each has a folder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from math import prod

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from cifar_lab.config.compose import Composer
from cifar_lab.config.overrides import parsed, refuse_too_many
from cifar_lab.config.preflight import Preflight
from cifar_lab.config.reasons import reason
from cifar_lab.refusal import Refusal
from cifar_lab.wording import shortened

#: Largest number of jobs of a sweep, all of which are checked before the first one runs.
MOST_JOBS = 10_000


def sweep_jobs(composer: Composer, overrides: Sequence[str]) -> list[list[str]]:
    """Return the overrides of each job of a sweep, split by Hydra's own sweeper.

    Raises:
        Refusal: an override cannot be parsed, or lists no values or too many.
    """
    refuse_too_many(list(overrides))
    read: list[Override] = []
    problems: list[str] = []
    for text in overrides:
        try:
            read.append(parsed(text, composer.loader))
            problems += _problems(read[-1])
        except Refusal as refusal:
            problems += refusal.problems
    if problems:
        raise Refusal(problems)
    if prod(map(_values, read)) > MOST_JOBS:
        raise Refusal(f"the sweep has more than {MOST_JOBS:,} jobs; list fewer values")
    try:
        return BasicSweeper.split_arguments(read, max_batch_size=None)[0]
    except HydraException as error:
        raise Refusal(reason(error)) from error


def _problems(override: Override) -> list[str]:
    text = shortened(str(override.input_line))
    if not override.is_sweep_override():
        return []
    if not override.is_discrete_sweep():
        key = override.get_key_element()
        return [f"{text}: an interval lists no single values; name some, e.g. {key}=0,1"]
    if _values(override) == 0:
        return [f"{text}: lists no values, so there is no job to run; e.g. range(3) is 0, 1 and 2"]
    return []


def _values(override: Override) -> int:
    """Count the values of an override, at most one more than a sweep may have jobs."""
    if not override.is_sweep_override():
        return 1
    sweep = override.value()
    # A shuffled range would be listed completely before its first value.
    values = sweep.range() if isinstance(sweep, RangeSweep) else override.sweep_string_iterator()
    return sum(1 for _ in islice(iter(values), MOST_JOBS + 1))


class JobFolders:
    """Folders of a sweep's jobs; no two may be the same."""

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._jobs = 0

    def check(self, found: Preflight) -> None:
        """Add the next job, and a problem if it has no folder of its own."""
        problem = self._problem(found.config)
        if problem is not None:
            found.add("hydra", problem)

    def _problem(self, config: DictConfig) -> str | None:
        job = config.copy()
        OmegaConf.set_readonly(job, False)
        with read_write(job.hydra), open_dict(job.hydra):
            job.hydra.job.num = self._jobs
            job.hydra.job.id = str(self._jobs)
        self._jobs += 1
        try:
            subdir = str(job.hydra.sweep.subdir)
        except OmegaConfBaseException as error:
            return f"hydra.sweep.subdir: {reason(error)}"
        if subdir.strip("/") not in self._folders:
            self._folders.add(subdir.strip("/"))
            return None
        return (
            f"hydra.sweep.subdir={shortened(subdir)}: several jobs would share this folder; leave "
            "it out, or let it differ for each job, e.g. hydra.sweep.subdir='${hydra.job.num}'"
        )
