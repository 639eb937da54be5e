"""``compare``: runs, sweeps and globs side by side."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from cifar_lab.cli.verbs import DONE
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import OUTPUTS

if TYPE_CHECKING:
    from cifar_lab.results.comparison import Comparison
    from cifar_lab.run.record import Run

#: Formats that are written to a file where one is given.
TO_A_FILE = ("csv", "latex", "json")
#: All, the default last: text, and a page.
KINDS = ("text", *TO_A_FILE, "html")


def compare(words: list[str]) -> int:
    """Compare runs, print a table, and write a page."""
    flags = _parsed(words)
    from cifar_lab.results.comparison import compared
    from cifar_lab.results.exported import FORMATS

    runs, baseline = _runs(flags)
    found = compared(runs, baseline, flags.metric)
    if flags.format in ("text", "html") and len(runs) == 2:
        _print_differing_code(*runs)
    if flags.format == "html":
        print(f"{FORMATS['text'](found)}\n\npage: {_write_page(found)}")
    elif flags.output is None:
        print(FORMATS[flags.format](found).rstrip("\n"))
    else:
        from cifar_lab.run.files import write_atomically

        write_atomically(flags.output, FORMATS[flags.format](found))
        print(f"{flags.format}: {flags.output}")
    return DONE


def _print_differing_code(first: Run, second: Run) -> None:
    """Print what differs between the Python files of the user's own of two runs."""
    from cifar_lab.results.differing_code import differing_code

    lines = differing_code(first, second)
    if lines:
        print("\n".join(["Python files of your own:", *lines, ""]))


def _runs(flags: argparse.Namespace) -> tuple[list[Run], Run | None]:
    from cifar_lab.results.chosen import chosen_runs

    problems: list[str] = []
    runs: list[Run] = []
    against: list[Run] = []
    try:
        runs = chosen_runs(OUTPUTS, flags.words)
    except Refusal as refusal:
        problems += refusal.problems
    try:
        # Of a sweep or a glob, the first run; the others are further seeds or rows.
        against = [] if flags.baseline is None else chosen_runs(OUTPUTS, [flags.baseline])
    except Refusal as refusal:
        problems += [f"--baseline: {problem}" for problem in refusal.problems]
    if problems:
        raise Refusal(problems)
    known = {run.folder.path.resolve() for run in runs}
    runs += [run for run in against if run.folder.path.resolve() not in known]
    return runs, next(iter(against), None)


def _write_page(found: Comparison) -> Path:
    from cifar_lab.report.pages.compare import write_comparison

    path = OUTPUTS / "compare" / f"{datetime.now():%Y-%m-%d/%H-%M-%S-%f}" / "compare.html"
    shown = None
    if found.flips is not None:
        from cifar_lab.cli.process import speak  # importing torch takes seconds
        from cifar_lab.recipe.compare import pictures

        speak()
        assert found.metric.split is not None, "images were compared"
        shown = pictures(found.flips, found.metric.split)
    write_comparison(found, shown, path)
    return path


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refusal(
            f"{message}; usage: `cifar-lab compare RUN… [--baseline RUN --metric METRIC --format "
            f"{{{','.join(KINDS)}}} -o FILE]`"
        )


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="cifar-lab compare", add_help=False, allow_abbrev=False)
    parser.add_argument("--baseline")
    parser.add_argument("--metric")
    parser.add_argument("--format", default="html")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("words", nargs="*")
    flags = parser.parse_intermixed_args(words)
    problems = []
    if not flags.words:
        problems.append("`cifar-lab compare` needs runs; `cifar-lab ls` lists all runs")
    if flags.format not in KINDS:
        problems.append(f"--format {flags.format}: must be one of {', '.join(KINDS)}")
    elif flags.output is not None and flags.format not in TO_A_FILE:
        problems.append(f"-o {flags.output} belongs to --format {', '.join(TO_A_FILE)}; add one")
    if flags.output is not None and flags.output.is_dir():
        problems.append(f"-o {flags.output} is a directory; name a file")
    problems += _wrong_metric(flags.metric)
    if problems:
        raise Refusal(problems)
    return flags


def _wrong_metric(metric: str | None) -> list[str]:
    from cifar_lab.results.measures import METRICS  # pydantic is slow to import

    if metric is None or metric in METRICS:
        return []
    return [f"--metric {metric}: must be one of {', '.join(METRICS)}"]
