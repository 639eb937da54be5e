"""The tables of a sweep's page: the leaderboard, its confirmations, its jobs, how it was run."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_lab.analysis.spread import mean_and_deviation
from cifar_lab.report.blocks import Block, Code, Facts, Section, Table, Text
from cifar_lab.results.findings import findings
from cifar_lab.results.leaderboard import Entry, Leaderboard, leaderboard
from cifar_lab.results.leaderboard_text import AGAINST, columns, counted, same_for_all, varied
from cifar_lab.results.rows import read_rows
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import duration, percent, plural, shortened


def first_screen(board: Leaderboard) -> list[Block]:
    """The counts, what can be concluded, and the leaderboard."""
    plan, best = board.plan, board.best
    done = sum(len(entry.rows) for entry in board.entries)
    facts = [
        ("jobs done", f"{done} of {len(plan.jobs)}"),
        ("configurations", str(len(plan.configurations))),
        ("seeds", str(len({job.seed for job in plan.jobs}))),
    ]
    if best is not None:
        facts.append(("best validation accuracy (%)", mean_and_deviation(best.validation, 2)))
    elif len(board.entries) == 1 and board.entries[0].test:
        facts.append(("test accuracy (%)", mean_and_deviation(board.entries[0].test, 2)))
    facts += list(same_for_all(board).items())
    return [
        Facts(facts),
        Text(counted(board)),
        *(Text(sentence) for sentence in findings(board)),
        *(block for number in range(len(board.rankings)) for block in _ranking(board, number)),
    ]


def _ranking(board: Leaderboard, number: int) -> list[Block]:
    ranking = board.rankings[number]
    table = _table(board, ranking.entries)
    if len(board.rankings) == 1:
        return [table]
    judged = ", ".join(f"{key} {value}" for key, value in ranking.judged_by.items())
    return [Text(f"Judged by {judged}:"), table]


def _table(board: Leaderboard, entries: Sequence[Entry]) -> Table:
    shown = columns(board)
    words = [n for n, heading in enumerate(shown) if heading in (*varied(board), AGAINST)]
    rows = [[cell(entry) for cell in shown.values()] for entry in entries]
    return Table(list(shown), rows, text_columns=words)


def confirmations(folder: SweepFolder) -> Section | None:
    """What the confirmations of the sweep found; None without any."""
    blocks: list[Block] = []
    number = 1
    while folder.confirmation(number).exists():
        place = folder.confirmation(number)
        board = leaderboard(place)
        images = _all_images(place)
        blocks.append(Text(f"{place.path.name}{images}: {counted(board)}"))
        blocks.append(_table(board, board.entries))
        number += 1
    if not blocks:
        return None
    count = number - 1
    told = (
        f"This sweep was confirmed {plural(count, 'time', 'times')}: what it chose ran again with "
        "seeds that it had not used, and evaluated the test images."
    )
    if count > 1:
        told += (
            " Each further confirmation is another look at the test images; whoever quotes one "
            "says how many there were."
        )
    return Section("Confirmations", [Text(told), *blocks])


def _all_images(place: SweepFolder) -> str:
    trained = any(
        "dataset.validation_fraction=0" in j.overrides for j in leaderboard(place).plan.jobs
    )
    return " (trained on the validation images as well; the last epoch is reported)" * trained


def failures(board: Leaderboard) -> Section | None:
    """The failed jobs and what ended each; None without any."""
    if not board.failed:
        return None
    rows = [[name, shortened(error, 300)] for name, error in board.failed]
    return Section("Failed jobs", [Table(("job", "error"), rows, (1,), wrapped=True)])


def jobs(folder: SweepFolder, board: Leaderboard) -> Section:
    """Every job with its folder and its result."""
    found = read_rows(folder)
    rows = []
    for job in board.plan.jobs:
        row = found.get(job.number)
        accuracy = None if row is None else row.val_accuracy
        seconds = None if row is None else row.training_seconds
        rows.append(
            [
                job.name,
                "not run" if row is None else "pruned" if row.pruned else row.state,
                "–" if accuracy is None else percent(accuracy),
                "–" if seconds is None else duration(seconds),
                "–" if row is None else str(row.attempts),
            ]
        )
    heads = (
        "job (a run folder with a report of its own)",
        "state",
        "validation",
        "time",
        "attempts",
    )
    return Section("Jobs", [Table(heads, rows, (1,), folded=plural(len(rows), "job", "jobs"))])


def again(folder: SweepFolder, board: Leaderboard) -> Section:
    """The commands that start the sweep anew, go on with it, and confirm it."""
    plan = board.plan
    lines: Sequence[str] = [
        plan.command,
        f"cifar-lab resume {folder.path}",
        *([f"cifar-lab confirm {folder.path}"] if plan.ranked else []),
    ]
    threads = plural(plan.threads, "thread", "threads")
    told = (
        f"Its jobs ran by hydra/launcher={plan.launcher} with {threads} each, as they were "
        "composed when the sweep was planned: frozen/ keeps their configurations."
    )
    return Section("Run it again", [Text(told), Code(lines, language="sh")])
