"""Writes the tables of docs/benchmarks.md and README.md: ``python -m benchmarks.table``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.machine import TOP
from benchmarks.markers import between
from benchmarks.measure import Case
from benchmarks.results import judged, load_all

START, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
HEADER = (
    "| measurement | compared with | result (95 % interval) | target | met |\n"
    "| --- | --- | ---: | ---: | --- |"
)


def with_table(
    page: str, saved: Sequence[dict[str, Any]], cases: Mapping[str, Case] | None = None
) -> str:
    """Replaces the table of a page.

    Args:
        page: contains the two markers, each once, on separate lines.
        saved: from :func:`benchmarks.results.load_all`.
        cases: by name, in the order of their rows and with their current titles and targets; saved
            ones that are not among them follow.

    Raises:
        NoMarkers: the text does not contain both.
    """
    return between(page, START, END, render(saved, cases))


def render(saved: Sequence[dict[str, Any]], cases: Mapping[str, Case] | None = None) -> str:
    """Renders one table for each kind of hardware."""
    tables = [_hardware(machine, cases or {}) for machine in saved]
    return "\n\n".join(tables) or "No measurements yet."


def _hardware(machine: dict[str, Any], cases: Mapping[str, Case]) -> str:
    measured: dict[str, Any] = machine["cases"]
    entries = [current(measured[name], case) for name, case in cases.items() if name in measured]
    entries += [entry for name, entry in measured.items() if name not in cases]
    versions = machine["versions"]
    title = (
        f"**{machine['device']}**, {machine['threads']} threads, torch {versions['torch']}, "
        f"Python {machine['python']}, {machine['date']}"
    )
    rows = [_row(entry) for entry in entries if entry["value"] is not None]
    series = [_series(entry) for entry in entries if entry["series"]]
    return "\n\n".join([title, "\n".join([HEADER, *rows]), *series])


def current(entry: dict[str, Any], case: Case) -> dict[str, Any]:
    """Returns a saved measurement with the current titles and target of its case."""
    verdict = judged(case.target, entry["value"], entry["features"], entry["reachable"])
    return {**entry, "what": case.what, "against": case.against, **verdict}


def measured(case: dict[str, Any]) -> str:
    """Formats a saved value with its unit and interval."""
    unit = f" {case['unit']}" if case["unit"] else ""
    text = f"{number(case['value'])}{unit}"
    if case["low"] is not None:
        text += f" ({number(case['low'])} to {number(case['high'])})"
    return text


def _row(case: dict[str, Any]) -> str:
    return f"| {case['what']} | {case['against'] or '–'} | {measured(case)} | {_target(case)} |"


def _target(case: dict[str, Any]) -> str:
    """The last two cells of a row."""
    target = case["target"]
    if target is None:
        return "– | –"
    if case["obstacle"]:
        return f"does not apply, because {case['obstacle']} | –"
    bound = f"at {'most' if target['at_most'] else 'least'} {target['value']:g}"
    return f"{bound}{' ' + case['unit'] if case['unit'] else ''} | {'yes' if case['met'] else 'no'}"


def _series(case: dict[str, Any]) -> str:
    """A table of a case's further values: one row per series, one column per point."""
    series: dict[str, dict[str, float | None]] = case["series"]
    points = list(next(iter(series.values())))
    lines = [
        f"| {case['what']} | {' | '.join(points)} |",
        f"| --- |{' ---: |' * len(points)}",
    ]
    for name, values in series.items():
        cells = " | ".join(number(values[point]) for point in points)
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def number(value: float | None) -> str:
    """Formats a number with three significant digits, or as an integer if it is 100 or more."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def main() -> None:
    """Rewrites the tables of both pages and prints the long one."""
    from benchmarks import highlights
    from benchmarks.cases import all_cases

    saved, cases = load_all(), all_cases()
    for path, table in (
        (TOP / "docs" / "benchmarks.md", render(saved, cases)),
        (TOP / "README.md", highlights.render(saved, cases)),
    ):
        path.write_text(between(path.read_text(), START, END, table))
    print(render(saved, cases))


if __name__ == "__main__":
    main()
