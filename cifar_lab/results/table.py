"""The table of a comparison, as text in cells, and what is to be said about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cifar_lab.analysis.power import optimism, smallest_difference
from cifar_lab.results.comparison import Comparison, Row
from cifar_lab.results.measures import Measure
from cifar_lab.results.robustness import told_of_suites
from cifar_lab.wording import plural, signed

#: Beyond it, a list of runs is cut.
NAMED = 5
#: A cell in which nothing can be said.
NOTHING = "–"


#: Heading of the column that marks the set within noise of the best.
WITHIN = "within noise"


class Column(NamedTuple):
    """A column of the table.

    Attributes:
        heading: its name.
        cells: one per row.
        words: whether it is text, aligned left.
    """

    heading: str
    cells: list[str]
    words: bool = False


def columns(comparison: Comparison) -> list[Column]:
    """The metric with all that can be said about its differences; empty columns are left out."""
    metric, rows = comparison.metric, comparison.rows
    runs = [len(row.configuration.runs) for row in rows]
    found = [_names(comparison)]
    if max(runs) > 1:
        found.append(Column("n", [str(count) for count in runs]))
    found.append(Column(metric.heading, [_spread(row, metric) for row in rows]))
    heading = f"difference ({metric.unit_of_differences})"
    found.append(Column(heading, [_difference(comparison, row) for row in rows]))
    optional: list[tuple[str, Callable[[Row], str], bool]] = [
        (WITHIN, _within, True),
        ("other images agree", _agree, True),
    ]
    for name, cell, words in optional:
        cells = [cell(row) for row in rows]
        if set(cells) - {NOTHING}:
            found.append(Column(name, cells, words))
    return found


def other_measures(comparison: Comparison) -> list[Column]:
    """What else the configurations have, with the difference from the baseline in brackets."""
    excess = Column("excess variance (points²)", [_excess(row) for row in comparison.rows])
    told = [excess] if set(excess.cells) - {NOTHING} else []
    beside = [_beside(comparison, measure) for measure in comparison.measures[1:]]
    return [_names(comparison), *told, *beside]


def _names(comparison: Comparison) -> Column:
    first, *others = [row.configuration.name for row in comparison.rows]
    names = [first if first == "baseline" else f"{first} (baseline)", *others]
    return Column("configuration" if comparison.differing else "run", names, words=True)


def _spread(row: Row, measure: Measure) -> str:
    values = row.configuration.numbers.get(measure.name)
    return NOTHING if values is None else measure.spread(values)


def _difference(comparison: Comparison, row: Row) -> str:
    metric = comparison.metric
    if row is comparison.rows[0]:
        return NOTHING
    change = comparison.difference(row.configuration, metric)
    assert change is not None, "all that are ranked have the metric"
    text = metric.difference(change)
    if row.effect is None:
        return text
    return f"{text} ({metric.difference(row.effect.low)} to {metric.difference(row.effect.high)})"


def _within(row: Row) -> str:
    return NOTHING if row.within_noise is None else "yes" if row.within_noise else "no"


def _agree(row: Row) -> str:
    found = None if row.by_image is None else row.by_image.other_images
    if found is None:
        return NOTHING
    clear = found.low > 0 or found.high < 0
    low, high = (signed(100 * each, 2) for each in (found.low, found.high))
    return f"{'yes' if clear else 'not clear'} ({low} to {high})"


def _excess(row: Row) -> str:
    excess = None if row.by_image is None else row.by_image.excess
    return NOTHING if excess is None else signed(1e4 * excess, 3)


def _beside(comparison: Comparison, measure: Measure) -> Column:
    """A further measure, with the difference from the baseline where there is one."""
    cells = []
    for row in comparison.rows:
        text = _spread(row, measure)
        change = comparison.difference(row.configuration, measure)
        told = "" if change is None else measure.difference(change)
        if told.startswith(("+", "−")):
            text = f"{text} ({told})"
        cells.append(text)
    return Column(measure.heading, cells)


def notes(comparison: Comparison) -> list[str]:
    """Sentences on how to read the table, and on all that it leaves out."""
    return [
        *_on_the_images(comparison),
        *_on_seeds(comparison),
        *_on_two(comparison),
        *_on_machines(comparison),
        *told_of_suites(comparison.ranked_runs),
        *_not_compared(comparison),
    ]


def _on_the_images(comparison: Comparison) -> list[str]:
    metric = comparison.metric
    told = f"Compared by {metric.label}; differences are from {comparison.baseline.name}."
    if metric.split == "test" and len(comparison.rows) > 2:
        told += " A choice that is made by test images flatters what is chosen."
    return [told]


def _on_seeds(comparison: Comparison) -> list[str]:
    noise, rows = comparison.noise, comparison.rows
    if len(rows) < 2:
        return []
    if not noise.marked:
        return [
            f"What is within noise of the best is not marked, as {noise.why_not}: the differences "
            "may be due to the seeds."
        ]
    told = [
        "Differences: with intervals that hold for all configurations together (Dunnett). Within "
        "noise: cannot be told from the best (Hsu's comparisons with the best). Both at 95 %.",
        "Other images agree: whether the difference in accuracy is clear if images as well as "
        "seeds count as a sample, with its 95 % interval in points. Excess variance: of the error "
        "rate between seeds, beyond binomial; about 0 if seeds differ by chance only.",
    ]
    return [*told, _on_power(comparison)] if noise.deviation else told


def _on_power(comparison: Comparison) -> str:
    noise, metric, rows = comparison.noise, comparison.metric, comparison.rows
    deviation = noise.deviation
    assert deviation is not None, "it is marked"
    unit = metric.unit_of_differences
    runs = min(len(row.configuration.runs) for row in rows)
    told = f"Seeds vary by {metric.written(deviation)} {unit} (pooled standard deviation)"
    smallest = smallest_difference(deviation, runs)
    if smallest is not None:
        told += (
            f"; with {plural(runs, 'seed', 'seeds')} each, a difference of "
            f"{metric.written(smallest)} {unit} is found in 80 % of cases"
        )
    best = optimism(deviation, runs, len(rows))
    return f"{told}. The best of {len(rows)} flatters by up to {metric.written(best)} {unit}."


def _on_two(comparison: Comparison) -> list[str]:
    found = comparison.flips
    if found is None:
        return []
    counts = found.counts
    return [
        f"Images: {counts.both_right:,} both classify correctly, {counts.only_first:,} only the "
        f"first ({comparison.rows[0].configuration.name}), {counts.only_second:,} only the second "
        f"({comparison.rows[1].configuration.name}), {counts.both_wrong:,} neither. McNemar's "
        f"exact test: {p_value(counts.p_value)}.",
        mcnemar_says(counts.p_value),
    ]


def _on_machines(comparison: Comparison) -> list[str]:
    """What is not configured, but may matter, as well as time."""
    made = [run.run.provenance for each in comparison.configurations for run in each.runs]
    kinds = {
        "commits": [each.commit for each in made],
        "versions of torch": [each.libraries.get("torch") or "unknown" for each in made],
        "hardware": [each.hardware for each in made],
    }
    return [
        f"The runs were made with different {kind}: {_cut(list(dict.fromkeys(values)), '; ')}."
        for kind, values in kinds.items()
        if len(set(values)) > 1
    ]


def mcnemar_says(p: float) -> str:
    """What the test says of two networks, and what it does not say of two recipes."""
    verdict = (
        "These two networks differ on images like these"
        if p < 0.05
        else "These images do not tell the two networks apart"
    )
    return (
        f"{verdict}. The test is about these networks, not about these recipes: trained with "
        "another seed, the same recipe gives another network. To compare recipes, train several "
        "seeds of each."
    )


def p_value(p: float) -> str:
    """Format a p-value with two significant digits, as ``p = 0.031``."""
    return f"p = {p:.2g}" if p >= 1e-4 else "p < 0.0001"


def _not_compared(comparison: Comparison) -> list[str]:
    told = [
        f"Not ranked: {each.configuration.name} "
        f"({comparison.metric.spread(each.configuration.numbers[comparison.metric.name])} "
        f"{comparison.metric.unit}), as it was judged otherwise: {each.because}."
        for each in comparison.not_ranked
    ]
    by_reason: dict[str, list[str]] = {}
    for run, reason in comparison.left_out:
        by_reason.setdefault(reason, []).append(run.folder.path.as_posix())
    told += [f"Left out, as {reason}: {_cut(paths)}." for reason, paths in by_reason.items()]
    if comparison.unread:
        told.append(f"Not compared image by image: {comparison.unread}.")
    return told


def _cut(names: Sequence[str], between: str = ", ") -> str:
    more = len(names) - NAMED
    return between.join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
