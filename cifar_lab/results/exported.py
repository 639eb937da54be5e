"""A comparison as text, CSV, LaTeX and JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Collection
from typing import Any

from cifar_lab.results.comparison import Comparison, Configuration, Row
from cifar_lab.results.images import Flip
from cifar_lab.results.latex import tabular
from cifar_lab.results.table import WITHIN, Column, columns, notes, other_measures
from cifar_lab.run.files import json_text
from cifar_lab.wording import aligned, signed

#: Most classes, and columns of these, that the text shows.
MOST_CLASSES, MOST_COLUMNS = 20, 8


def as_text(comparison: Comparison) -> str:
    """Tables, what differs, and notes, for a terminal."""
    tables = [columns(comparison), other_measures(comparison)]
    lines = [line for table in tables for line in [*_lines_of(table), ""]]
    header, rows = class_rows(comparison)
    if 0 < len(rows) <= MOST_CLASSES and 2 < len(header) <= MOST_COLUMNS:
        lines += [*aligned([header, *rows], right_from=1), ""]
    return "\n".join([*lines, *_differing(comparison), *notes(comparison)])


def _lines_of(table: list[Column]) -> list[str]:
    cells = zip(*(column.cells for column in table), strict=True)
    return aligned([[column.heading for column in table], *map(list, cells)], right_from=1)


def _differing(comparison: Comparison) -> list[str]:
    """Per configuration or, of two, per key what differs."""
    names, found = [each.name for each in comparison.configurations], comparison.differing
    if not found:
        return ["All runs have the same configuration; each is a row of its own.", ""]
    if len(names) == 2:
        rows = [[each.key, *each.values] for each in found]
        return [*aligned([["differs", *names], *rows]), ""]
    told = [
        ", ".join(f"{each.key}={each.short[number]}" for each in found)
        for number in range(len(names))
    ]
    # A name may say all of it already, but for the groups of its keys.
    said = [f".{text}".endswith(f".{name}") for name, text in zip(names, told, strict=True)]
    return [] if all(said) else [*map(": ".join, zip(names, told, strict=True)), ""]


def as_csv(comparison: Comparison) -> str:
    """One line per configuration, with exact numbers; those that are not ranked come last."""
    text = io.StringIO()
    lines = records(comparison)
    writer = csv.DictWriter(text, fieldnames=list(lines[0]), lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def records(comparison: Comparison) -> list[dict[str, Any]]:
    """One line per configuration, with exact numbers; those that are not ranked come last."""
    configurations, ranked = comparison.configurations, len(comparison.rows)
    lines = []
    for number, each in enumerate(configurations):
        row = comparison.rows[number] if number < ranked else None
        lines.append(
            {
                "configuration": each.name,
                "baseline": number == 0,
                "not_ranked_because": ""
                if row is not None
                else comparison.not_ranked[number - ranked].because,
                "runs": len(each.runs),
                **{d.key: d.values[number] for d in comparison.differing},
                **_numbers(comparison, each, row),
            }
        )
    return lines


def _numbers(
    comparison: Comparison, configuration: Configuration, row: Row | None
) -> dict[str, Any]:
    metric = comparison.metric
    line: dict[str, Any] = {}
    for measure in comparison.measures:
        values = configuration.numbers.get(measure.name, ())
        line[f"{measure.name}_mean"] = configuration.mean(measure)
        line[f"{measure.name}_sd"] = _deviation(values)
        line[f"{measure.name}_difference"] = (
            None if row is None else comparison.difference(configuration, measure)
        )
    found = None if row is None else row.by_image
    other = None if found is None else found.other_images
    effect = None if row is None else row.effect
    return line | {
        f"{metric.name}_difference_low": effect and effect.low,
        f"{metric.name}_difference_high": effect and effect.high,
        "differs_clearly": effect and effect.clear,
        "within_noise_of_the_best": row and row.within_noise,
        "excess_variance": found and found.excess,
        "other_images_difference": other and other.difference,
        "other_images_low": other and other.low,
        "other_images_high": other and other.high,
        **_classes(comparison, row),
    }


def _classes(comparison: Comparison, row: Row | None) -> dict[str, Any]:
    """Accuracy of each class, and by how much it differs from the baseline's, as shares."""
    if row is None or row.by_image is None:
        return {}
    line: dict[str, Any] = {}
    for label, name in enumerate(comparison.classes):
        points = class_difference(row, comparison.rows[0], label)
        line[f"accuracy of class {name}"] = row.by_image.recalls[label]
        line[f"difference of class {name}"] = None if points is None else points / 100
    return line


def _deviation(values: tuple[float, ...]) -> float | None:
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def as_latex(comparison: Comparison) -> str:
    """Tables of configurations and of classes; what is within noise of the best is bold."""
    found = [c for c in columns(comparison) if c.heading != WITHIN]
    place = next(n for n, c in enumerate(found) if c.heading == comparison.metric.heading)
    bold = {(number, place) for number, row in enumerate(comparison.rows) if row.within_noise}
    parts = [_tabular(found, bold), _tabular(other_measures(comparison))]
    header, rows = class_rows(comparison)
    if rows:
        parts.append(tabular(header, rows, [n == 0 for n in range(len(header))]))
    said = [f"% {line}" for line in (*notes(comparison), *_bold(comparison))]
    return "\n\n".join(["\n".join(["% needs \\usepackage{booktabs}", *said]), *parts]) + "\n"


def _tabular(table: list[Column], bold: Collection[tuple[int, int]] = ()) -> str:
    rows = list(zip(*(column.cells for column in table), strict=True))
    return tabular([c.heading for c in table], rows, [c.words for c in table], bold)


def _bold(comparison: Comparison) -> list[str]:
    return ["Bold: within noise of the best."] if comparison.noise.marked else []


def class_rows(comparison: Comparison) -> tuple[list[str], list[tuple[str, ...]]]:
    """For each class the baseline's accuracy in %, and by how many points the others differ."""
    first, *others = comparison.rows
    header = ["class", f"{first.configuration.name} (%)"]
    header += [f"{row.configuration.name} (points)" for row in others]
    if first.by_image is None:
        return header, []
    rows = []
    for label, name in enumerate(comparison.classes):
        recall = first.by_image.recalls[label]
        cells = [class_difference(row, first, label) for row in others]
        told = ["–" if each is None else signed(each, 1) for each in cells]
        rows.append((name, "–" if recall is None else f"{100 * recall:.1f}", *told))
    return header, rows


def class_difference(row: Row, baseline: Row, label: int) -> float | None:
    """By how many points the accuracy of a class differs; None if it has no images."""
    assert row.by_image is not None, "predictions of all or of none are compared"
    assert baseline.by_image is not None, "likewise"
    own, other = row.by_image.recalls[label], baseline.by_image.recalls[label]
    return None if own is None or other is None else 100 * (own - other)


def as_json(comparison: Comparison) -> str:
    """All of it; shares are in 0 … 1, and variances in squared shares."""
    metric, flips = comparison.metric, comparison.flips
    lines = records(comparison)
    for line, each in zip(lines, comparison.configurations, strict=True):
        line["folders"] = [run.run.folder.path.as_posix() for run in each.runs]
        line["seeds"] = [run.seed for run in each.runs]
        line["values"] = dict(each.numbers)
        line["judged_by"] = each.runs[0].judged_by
    noise = comparison.noise
    return json_text(
        {
            "metric": metric.name,
            "split": metric.split,
            "baseline": comparison.baseline.name,
            "deviation_between_seeds": noise.deviation,
            "not_marked_because": noise.why_not,
            "differing": {each.key: list(each.values) for each in comparison.differing},
            "configurations": _finite(lines),
            "left_out": {
                each.run.folder.path.as_posix(): each.reason for each in comparison.left_out
            },
            "mcnemar": flips
            and {
                **vars(flips.counts),
                "only_first_images": [_flip(each, comparison) for each in flips.lost],
                "only_second_images": [_flip(each, comparison) for each in flips.gained],
            },
            "notes": notes(comparison),
        }
    )


def _flip(flip: Flip, comparison: Comparison) -> dict[str, Any]:
    names = comparison.classes
    return {
        "sample_id": flip.sample_id,
        "class": names[flip.label],
        "first": names[flip.first],
        "second": names[flip.second],
    }


def _finite(value: Any) -> Any:
    """JSON has no numbers that are not finite."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


#: How a comparison is written, by the name of the format.
FORMATS: dict[str, Callable[[Comparison], str]] = {
    "text": as_text,
    "csv": as_csv,
    "latex": as_latex,
    "json": as_json,
}
