"""Runs of one configuration, and the mean and standard deviation of their results."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev
from typing import Any

from cifar_lab.api.columns import SEED, Column, Listed, differing_keys
from cifar_lab.api.table import Table
from cifar_lab.refusal import Refusal
from cifar_lab.results.measures import COSTS, METRICS, Measure
from cifar_lab.results.recorded import experiment_hash

#: Costs of a group that are told; the last one as a mean.
SIZES = ("parameters", "multiply_adds", "training_seconds")


class Groups:
    """Runs in groups, in the order of each group's first run.

    Runs of a group have the same configuration apart from the excluded keys, the same images and
    the same precision. Places and what a report shows do not count.

    Args:
        listed: the runs; those that are not done, or are damaged, are left out.
        exclude: dotted keys that may differ inside a group.
    """

    def __init__(self, listed: Sequence[Listed], exclude: Sequence[str]) -> None:
        self.exclude = tuple(exclude)
        groups: dict[str, list[Listed]] = defaultdict(list)
        for each in listed:
            identity = self._identity(each)
            if identity is not None:
                groups[identity].append(each)
        self._groups = [_without_repeats(group) for group in groups.values()]

    def _identity(self, listed: Listed) -> str | None:
        run = listed.run
        try:
            if run.state != "done":
                return None
            assert run.summary  # reading it refuses what is damaged
            config, made = copy.deepcopy(run.config), run.provenance
        except Refusal:
            return None
        seed = "" if SEED in self.exclude else made.seed
        for key in self.exclude:
            _drop(config, key.split("."))
        return f"{experiment_hash(config)} {made.precision} {made.data_fingerprint} {seed}"

    def summary(self) -> Table:
        """Return a row a group: its keys that differ, ``n``, and means with standard deviations.

        Of several runs with the same configuration and the same seed, the last one counts.
        Accuracies are from 0 to 1. A single run has no standard deviation.
        """
        firsts = [group[0] for group in self._groups]
        keys = [key for key in differing_keys(firsts) if not _is_below(key, self.exclude)]
        if SEED not in self.exclude:
            keys.append(SEED)
        rows = []
        for group in self._groups:
            values = {key: Column(key, False)(group[0]) for key in keys}
            rows.append({**values, "n": len(group), **_numbers(group)})
        names = dict.fromkeys(name for row in rows for name in row)
        return Table([{name: row.get(name) for name in names} for row in rows])

    def __len__(self) -> int:
        """Number of groups."""
        return len(self._groups)

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the paths of the runs of each group."""
        return ([each.row.path for each in group] for group in self._groups)

    def __repr__(self) -> str:
        return repr(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def _numbers(group: Sequence[Listed]) -> dict[str, float | int | None]:
    """Return mean and standard deviation of each metric that all runs have, and what they cost."""
    found: dict[str, float | int | None] = {}
    for name, measure in METRICS.items():
        values = _values(group, measure)
        if len(values) == len(group):
            found[f"{name}_mean"] = fmean(values)
            found[f"{name}_sd"] = stdev(values) if len(values) > 1 else None
    for name in SIZES:
        values = _values(group, COSTS[name])
        same = len(set(values)) == 1 and name != "training_seconds"
        found[name if same else f"{name}_mean"] = values[0] if same else fmean(values)
    return found


def _values(group: Sequence[Listed], measure: Measure) -> list[float]:
    values = [measure.value(each.run) for each in group]
    return [value for value in values if value is not None]


def _without_repeats(group: Sequence[Listed]) -> list[Listed]:
    """Keep the last run of each configuration and seed: a repetition says nothing of the spread."""
    last = {_whole(each): each for each in group}
    return [each for each in group if last[_whole(each)] is each]


def _whole(listed: Listed) -> str:
    return f"{experiment_hash(listed.run.config)} {listed.run.provenance.seed}"


def _drop(config: dict[str, Any], parts: Sequence[str]) -> None:
    node: Any = config
    for part in parts[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node.pop(parts[-1], None)


def _is_below(key: str, excluded: Sequence[str]) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in excluded)
