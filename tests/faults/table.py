"""Writes the table of promises in docs/runs.md: ``python -m tests.faults.table``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.machine import TOP
from benchmarks.markers import between
from tests.faults.campaign import load

START, END = "<!-- promises -->", "<!-- /promises -->"
HEADER = "| promise | tried with | trials | held | date |\n| --- | --- | ---: | ---: | --- |"


def render(saved: Mapping[str, Mapping[str, Any]]) -> str:
    """Renders a row for each campaign that was saved."""
    rows = [
        f"| {entry['promise']} | {entry['how']} | {entry['tried']:,} | {entry['fine']:,} "
        f"| {entry['date']} |"
        for entry in saved.values()
    ]
    return "\n".join([HEADER, *rows])


def main() -> None:
    """Rewrites the table and prints it."""
    path, table = TOP / "docs" / "runs.md", render(load())
    path.write_text(between(path.read_text(), START, END, table))
    print(table)


if __name__ == "__main__":
    main()
