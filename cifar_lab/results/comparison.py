"""Compares configurations: what differs between them, and what their results allow to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from cifar_lab.analysis.baseline import Effect, against_baseline
from cifar_lab.analysis.noise import Noise, within_noise
from cifar_lab.refusal import Refusal
from cifar_lab.results.differing import Differing, differing, letters, names
from cifar_lab.results.images import MOST_RUNS, ByImage, Flips, by_image, flips
from cifar_lab.results.measures import COSTS, METRICS, Measure
from cifar_lab.results.readable import (
    Finished,
    LeftOut,
    by_configuration,
    finished,
    metric_of,
    read,
    without_repeats,
)
from cifar_lab.results.robustness import ON_SUITES, same_images
from cifar_lab.run.record import Run


@dataclass(frozen=True)
class Configuration:
    """Runs that differ in their seed only; or a single run, where all have one configuration.

    Attributes:
        name: states what distinguishes it, or is a letter.
        runs: at least one.
        numbers: of each measure that all of them have, a value for each run.
    """

    name: str
    runs: tuple[Finished, ...]
    numbers: Mapping[str, tuple[float, ...]]

    def mean(self, measure: Measure) -> float | None:
        """Mean over the runs; None if one of them has no value."""
        values = self.numbers.get(measure.name)
        return None if values is None else fmean(values)


@dataclass(frozen=True)
class Row:
    """What can be said of a configuration, compared with the baseline.

    Attributes:
        configuration: the configuration.
        effect: difference of the metric's mean with Dunnett's simultaneous interval; None for the
            baseline, and if no configuration ran with several seeds.
        within_noise: whether it is within noise of the best; None if that cannot be said.
        by_image: None if predictions were not compared.
    """

    configuration: Configuration
    effect: Effect | None
    within_noise: bool | None
    by_image: ByImage | None


@dataclass(frozen=True)
class NotRanked:
    """A configuration that was judged by other images, or otherwise, than the baseline.

    Attributes:
        configuration: the configuration.
        because: what differs.
    """

    configuration: Configuration
    because: str


@dataclass(frozen=True)
class Comparison:
    """Configurations side by side.

    Attributes:
        metric: by which they are compared.
        rows: the baseline, then the others, the best first.
        not_ranked: configurations that no number of the rows may be compared with.
        left_out: runs without a result.
        differing: what differs between all of them; the values are in the order of
            ``configurations``.
        noise: how the set within noise of the best was found.
        classes: names, in the order of the labels.
        flips: image by image, if there are two runs in the rows; else None.
        unread: why predictions were not compared; empty if they were.
    """

    metric: Measure
    rows: tuple[Row, ...]
    not_ranked: tuple[NotRanked, ...]
    left_out: tuple[LeftOut, ...]
    differing: tuple[Differing, ...]
    noise: Noise
    classes: tuple[str, ...]
    flips: Flips | None
    unread: str

    @property
    def baseline(self) -> Configuration:
        """What the others are compared with."""
        return self.rows[0].configuration

    @property
    def configurations(self) -> list[Configuration]:
        """All of them; those that are not ranked last."""
        ranked = [row.configuration for row in self.rows]
        return ranked + [each.configuration for each in self.not_ranked]

    @property
    def measures(self) -> list[Measure]:
        """The metric, what else all ranked configurations have, and suites that some have."""
        others = [each for each in (*METRICS.values(), *COSTS.values()) if each != self.metric]
        ranked = [row.configuration for row in self.rows]
        suites = [each for name, each in ON_SUITES.items() if same_images(self.ranked_runs, name)]
        return [
            self.metric,
            *(m for m in others if all(each.mean(m) is not None for each in ranked)),
            *(m for m in suites if any(each.mean(m) is not None for each in ranked)),
        ]

    @property
    def ranked_runs(self) -> list[Run]:
        """The runs of all ranked configurations."""
        return [each.run for row in self.rows for each in row.configuration.runs]

    def difference(self, configuration: Configuration, measure: Measure) -> float | None:
        """Mean of a measure minus the baseline's; None if one of them has no value."""
        value, against = configuration.mean(measure), self.baseline.mean(measure)
        return None if value is None or against is None else value - against


def compared(
    runs: Sequence[Run], baseline: Run | None = None, metric: str | None = None
) -> Comparison:
    """Compare runs; those that differ in their seed only are one configuration.

    Args:
        runs: in the order in which they were given.
        baseline: one of them; None for the first that has a result.
        metric: from ``METRICS``; None for the accuracy on the images that all have.

    Raises:
        Refusal: fewer than two runs can be compared, or the baseline cannot.
    """
    done, unfinished = finished(runs)
    chosen = metric_of(done, metric)
    found, unmeasured = read(done, chosen)
    left_out = [*unfinished, *unmeasured]
    if len(found) < 2:
        reasons = [f"{each.run.folder.path}: {each.reason}" for each in left_out]
        raise Refusal([f"comparing needs at least two runs, got {len(found)}", *reasons])
    first = _first(found, baseline, left_out)
    groups = _groups(found)
    groups.sort(key=lambda group: all(each is not first for each in group))
    if len(groups) > 1:
        kept = [without_repeats(group) for group in groups]
        groups = [group for group, _ in kept]
        left_out += [each for _, repeats in kept for each in repeats]
    else:
        groups = [[each] for each in sorted(found, key=lambda each: each is not first)]
    alike = [group for group in groups if group[0].judged_by == first.judged_by]
    others = [group for group in groups if group[0].judged_by != first.judged_by]
    alike[1:] = sorted(alike[1:], key=lambda group: -_goodness(group, chosen))
    return _compared(chosen, alike, others, left_out)


def _first(found: Sequence[Finished], baseline: Run | None, left_out: list[LeftOut]) -> Finished:
    if baseline is None:
        return found[0]
    place = baseline.folder.path.resolve()
    for each in found:
        if each.run.folder.path.resolve() == place:
            return each
    why = next(e.reason for e in left_out if e.run.folder.path.resolve() == place)
    raise Refusal(f"--baseline {baseline.folder.path}: {why}; choose another run")


def _groups(found: Sequence[Finished]) -> list[list[Finished]]:
    """Configurations, each judged in one way."""
    return [
        [each for each in group if each.judged_by == judged]
        for group in by_configuration(found)
        for judged in _distinct([each.judged_by for each in group])
    ]


def _distinct(values: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    return [value for n, value in enumerate(values) if value not in values[:n]]


def _goodness(group: Sequence[Finished], metric: Measure) -> float:
    mean = fmean(_values(group, metric))
    return -mean if metric.lower else mean


def _values(group: Sequence[Finished], measure: Measure) -> tuple[float, ...]:
    values = [measure.value(each.run) for each in group]
    return tuple(value for value in values if value is not None)


def _compared(
    metric: Measure,
    alike: Sequence[Sequence[Finished]],
    others: Sequence[Sequence[Finished]],
    left_out: Sequence[LeftOut],
) -> Comparison:
    groups = [*alike, *others]
    found = differing([group[0].config for group in groups])
    named = _names(groups, found)
    configurations = [
        Configuration(name, tuple(group), _numbers(group))
        for name, group in zip(named, groups, strict=True)
    ]
    ranked = configurations[: len(alike)]
    seeds = [each.numbers[metric.name] for each in ranked]
    good = [tuple(-v if metric.lower else v for v in values) for values in seeds]
    best = max(range(len(good)), key=lambda n: fmean(good[n]))
    noise = within_noise(good, best)
    effects = against_baseline(seeds[0], seeds[1:])
    images, unread = _images(ranked, metric)
    rows = [
        Row(
            each,
            effects[number - 1] if effects is not None and number else None,
            noise.within[number] if noise.marked else None,
            None if images is None else images[number],
        )
        for number, each in enumerate(ranked)
    ]
    singles = [each.runs[0].run for each in ranked if len(each.runs) == 1]
    assert metric.split is not None, "a cost is not a metric"
    two = len(ranked) == len(singles) == 2
    return Comparison(
        metric=metric,
        rows=tuple(rows),
        not_ranked=tuple(
            NotRanked(each, _because(each.runs[0], ranked[0].runs[0]))
            for each in configurations[len(alike) :]
        ),
        left_out=tuple(left_out),
        differing=tuple(found),
        noise=noise,
        classes=tuple(each.name for each in ranked[0].runs[0].run.summary.per_class),
        flips=flips(singles[0], singles[1], metric.split) if two else None,
        unread=unread,
    )


def _names(groups: Sequence[Sequence[Finished]], found: Sequence[Differing]) -> list[str]:
    if found:
        return names(found, len(groups))
    seeds = [f"seed={group[0].seed}" for group in groups]
    return seeds if len(set(seeds)) == len(seeds) else [letters(n) for n in range(len(groups))]


def _numbers(group: Sequence[Finished]) -> dict[str, tuple[float, ...]]:
    measures = (*METRICS.values(), *COSTS.values(), *ON_SUITES.values())
    found = {measure.name: _values(group, measure) for measure in measures}
    return {name: values for name, values in found.items() if len(values) == len(group)}


def _images(ranked: Sequence[Configuration], metric: Measure) -> tuple[list[ByImage] | None, str]:
    runs = [[each.run for each in configuration.runs] for configuration in ranked]
    count = sum(map(len, runs))
    if count > MOST_RUNS:
        return None, f"there are {count:,} runs; up to {MOST_RUNS} are compared image by image"
    assert metric.split is not None, "a cost is not a metric"
    found = by_image(runs, metric.split)
    return found, "" if found else f"not every run has kept its {metric.split} predictions"


def _because(run: Finished, baseline: Finished) -> str:
    return "; ".join(
        f"{name} {value} instead of {baseline.judged_by[name]}"
        for name, value in run.judged_by.items()
        if value != baseline.judged_by[name]
    )
