"""Sweeps that the ledger shows, in ``experiments/results/sweeps/``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cifar_lab.refusal import Refusal
from cifar_lab.results.leaderboard import leaderboard
from cifar_lab.results.leaderboard_text import body
from cifar_lab.results.plan import read_plan
from cifar_lab.results.portable import portable, portable_command
from cifar_lab.results.rows import read_rows
from cifar_lab.run.files import as_object, json_text, write_atomically, write_json
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import code_in_markdown, in_markdown, words_in_markdown

#: Below the folder of recorded runs.
SWEEPS = "sweeps"


def record_sweeps(sweeps: Sequence[SweepFolder], results: Path) -> None:
    """Copy plan, rows and note of sweeps with their confirmations; paths of a machine are left out.

    Args:
        sweeps: finished ones.
        results: the folder of recorded runs.

    Raises:
        Refusal: a sweep is damaged, or some of its jobs are left.
    """
    left = [(each, leaderboard(each).unfinished) for each in sweeps]
    unfinished = [
        f"{each.path} is not finished: {count} of its jobs are left; continue it with "
        f"`cifar-lab resume {each.path}`"
        for each, count in left
        if count
    ]
    if unfinished:
        raise Refusal(unfinished)
    for sweep in sweeps:
        key = "_".join(sweep.path.resolve().parts[-2:])
        place = SweepFolder(results / SWEEPS / read_plan(sweep).name / key)
        _record(sweep, place)
        for number in range(1, 1000):
            confirmation = sweep.confirmation(number)
            if not confirmation.exists():
                break
            if not leaderboard(confirmation).unfinished:
                _record(confirmation, place.confirmation(number))


def _record(sweep: SweepFolder, place: SweepFolder) -> None:
    plan = as_object(read_plan(sweep))
    told = {
        "config_dir": None,
        "working_directory": None,
        "command": portable_command(plan["command"]),
    }
    write_json(place.plan, {**portable({**plan, **told}), "command": told["command"]})
    rows = [portable(as_object(row)) for row in read_rows(sweep).values()]
    write_atomically(place.rows, "".join(json_line(row) for row in rows))
    if sweep.note.is_file():
        write_atomically(place.note, sweep.note.read_bytes())


def json_line(value: object) -> str:
    """Format a plain value as JSON on one line."""
    return " ".join(json_text(value).split()) + "\n"


def read_sweeps(results: Path) -> list[SweepFolder]:
    """Every recorded sweep, sorted by path, without confirmations."""
    return [SweepFolder(file.parent) for file in sorted(results.glob(f"{SWEEPS}/*/*/sweep.json"))]


def render_sweeps(sweeps: Sequence[SweepFolder]) -> list[str]:
    """Render the leaderboards of recorded sweeps as Markdown, with their notes."""
    if not sweeps:
        return []
    lines = ["", "## Sweeps", ""]
    lines += [
        "Configurations are ranked by validation accuracy over seeds; of what a sweep chose, only "
        "the test accuracy of its confirmation is quoted.",
    ]
    for sweep in sweeps:
        plan = read_plan(sweep)
        lines += ["", f"### {in_markdown(plan.name)}", "", code_in_markdown(plan.command), ""]
        if sweep.note.is_file():
            lines += [words_in_markdown(" ".join(sweep.note.read_text().split())), ""]
        lines += body(leaderboard(sweep))
        number = 1
        while sweep.confirmation(number).exists():
            lines += ["", f"Confirmation {number}:", ""]
            lines += body(leaderboard(sweep.confirmation(number)))
            number += 1
    return lines
