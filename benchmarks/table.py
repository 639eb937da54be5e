"""The README's table, from saved measurements: ``python -m benchmarks.table`` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.machine import TOP
from benchmarks.results import load_all

START, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
HEADER = (
    "| what | against | measured (95 % interval) | target | met |\n"
    "| --- | --- | ---: | ---: | --- |"
)


class NoMarkers(ValueError):
    """A text has no place for the table."""


def with_table(readme: str, saved: Sequence[dict[str, Any]], order: Sequence[str] = ()) -> str:
    """A README with its table as the saved measurements have it.

    Args:
        readme: holds the two markers, each once, on lines of their own.
        saved: from :func:`benchmarks.results.load_all`.
        order: names of cases in the order of their rows; others follow.

    Raises:
        NoMarkers: the text does not hold both.
    """
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise NoMarkers(f"the table goes between the lines {START} and {END}; add both")
    return f"{before}{START}\n{render(saved, order)}\n{END}{after}"


def render(saved: Sequence[dict[str, Any]], order: Sequence[str] = ()) -> str:
    """One table for each kind of hardware."""
    return "\n\n".join(_hardware(machine, order) for machine in saved) or "Nothing measured yet."


def _hardware(machine: dict[str, Any], order: Sequence[str]) -> str:
    cases: dict[str, Any] = machine["cases"]
    names = [name for name in order if name in cases]
    names += [name for name in cases if name not in order]
    versions = machine["versions"]
    title = (
        f"**{machine['device']}**, {machine['threads']} threads, torch {versions['torch']}, "
        f"Python {machine['python']}, {machine['date']}"
    )
    rows = [_row(cases[name]) for name in names if cases[name]["value"] is not None]
    series = [_series(cases[name]) for name in names if cases[name]["series"]]
    return "\n\n".join([title, "\n".join([HEADER, *rows]), *series])


def _row(case: dict[str, Any]) -> str:
    unit = f" {case['unit']}" if case["unit"] else ""
    measured = f"{number(case['value'])}{unit}"
    if case["low"] is not None:
        measured += f" ({number(case['low'])} to {number(case['high'])})"
    return f"| {case['what']} | {case['against'] or '–'} | {measured} | {_target(case)} |"


def _target(case: dict[str, Any]) -> str:
    """The last two cells of a row."""
    target = case["target"]
    if target is None:
        return "– | –"
    bound = f"at {'most' if target['at_most'] else 'least'} {target['value']:g}"
    return f"{bound}{' ' + case['unit'] if case['unit'] else ''} | {'yes' if case['met'] else 'no'}"


def _series(case: dict[str, Any]) -> str:
    """A table of a case's further values: a row a series, a column a point."""
    series: dict[str, dict[str, float]] = case["series"]
    points = list(next(iter(series.values())))
    lines = [
        f"| {case['what']} | {' | '.join(points)} |",
        f"| --- |{' ---: |' * len(points)}",
    ]
    for name, values in series.items():
        cells = " | ".join(number(values[point]) for point in points)
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Three digits, and no more of a large number than its whole part."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def main() -> None:
    """Rewrites the README's table and prints it."""
    from benchmarks.cases import all_cases

    path, saved, order = TOP / "README.md", load_all(), list(all_cases())
    path.write_text(with_table(path.read_text(), saved, order))
    print(render(saved, order))


if __name__ == "__main__":
    main()
