"""The leaderboard as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from functools import partial
from statistics import mean, stdev

from cifar_lab.analysis.spread import mean_and_deviation
from cifar_lab.results.ablated import ablated, told
from cifar_lab.results.findings import findings, mean_sd_n
from cifar_lab.results.leaderboard import SEED, Entry, Leaderboard
from cifar_lab.wording import duration, in_markdown, plural, several, shortened, words_in_markdown

#: Columns of the CSV file behind the keys that vary.
COLUMNS = (
    "n",
    "val_accuracy_mean",
    "val_accuracy_sd",
    "within_noise",
    "val_loss_mean",
    "test_accuracy_mean",
    "test_accuracy_sd",
    "parameters",
    "multiply_adds",
    "training_seconds_mean",
    "pareto",
    "failed",
    "error",
)


#: Heading of the column that says what is within noise of the best.
AGAINST = "against the best"
#: Headings of sizes, in a sentence.
IN_WORDS = {"parameters": "parameters", "multiply-adds (M)": "million multiply-adds per image"}


def varied(board: Leaderboard) -> list[str]:
    """The keys that differ between configurations."""
    return [key for key in board.plan.keys if key != SEED]


def as_csv(board: Leaderboard) -> str:
    """Format as CSV: a row for each configuration; accuracies from 0 to 1."""
    text = io.StringIO()
    keys = varied(board)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rank", *keys, *COLUMNS])
    for entry in [*board.entries, *board.without]:
        numbers = [_shown(value, name) for name, value in measured(entry).items()]
        writer.writerow([_shown(entry.rank), *(entry.values.get(k, "") for k in keys), *numbers])
    return text.getvalue()


def measured(entry: Entry) -> dict[str, float | int | bool | str | None]:
    """Return what the columns behind the keys tell of a configuration; accuracies from 0 to 1."""
    validation, test = entry.validation, entry.test
    losses = [row.val_loss for row in entry.rows if row.val_loss is not None]
    first = entry.rows[0] if entry.rows else None
    values = (
        len(entry.rows),
        _mean(validation, 100),
        _deviation(validation),
        entry.within_noise,
        _mean(losses, 1),
        _mean(test, 100),
        _deviation(test),
        None if first is None else first.parameters,
        None if first is None else first.multiply_adds,
        entry.seconds,
        entry.pareto,
        len(entry.failed),
        entry.failed[0][1] if entry.failed else None,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _mean(values: Sequence[float], scale: float) -> float | None:
    return mean(values) / scale if values else None


def _deviation(percents: Sequence[float]) -> float | None:
    return stdev(percents) / 100 if len(percents) > 1 else None


def _shown(value: object, column: str = "") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}" if column == "training_seconds_mean" else f"{value:.6f}"
    return "" if value is None else str(value)


def columns(board: Leaderboard) -> dict[str, Callable[[Entry], str]]:
    """The columns of the leaderboard for people to read: what each shows, by its heading.

    Columns that would be empty, or the same for all, are left out.
    """
    entries = board.entries
    ranks = any(entry.rank is not None for entry in entries)
    judged = any(entry.within_noise is not None for entry in entries)
    same = same_for_all(board)
    found: dict[str, Callable[[Entry], str] | None] = {
        "rank": (lambda entry: _shown(entry.rank)) if ranks else None,
        **{key: partial(_value, key) for key in varied(board)},
        "validation accuracy (%)": _validation if any(e.validation for e in entries) else None,
        "test accuracy (%)": _test if any(e.test for e in entries) else None,
        "n": (lambda entry: str(len(entry.rows))) if entries else None,
        AGAINST: verdict if judged else None,
        "parameters": None if "parameters" in same else _parameters,
        "multiply-adds (M)": None if "multiply-adds (M)" in same else _multiply_adds,
        "time a run": lambda entry: "–" if entry.seconds is None else duration(entry.seconds),
        "Pareto": (lambda e: "yes" if e.pareto else "no")
        if ranks and "multiply-adds (M)" not in same
        else None,
        "failed": (lambda entry: str(len(entry.failed))) if board.failed else None,
    }
    return {heading: shown for heading, shown in found.items() if shown is not None}


def same_for_all(board: Leaderboard) -> dict[str, str]:
    """Sizes that all configurations with results share, by heading."""
    shown: dict[str, Callable[[Entry], str]] = {
        "parameters": _parameters,
        "multiply-adds (M)": _multiply_adds,
    }
    found = {name: {size(entry) for entry in board.entries} for name, size in shown.items()}
    return {name: sizes.pop() for name, sizes in found.items() if len(sizes) == 1}


def _value(key: str, entry: Entry) -> str:
    return entry.values.get(key, "–")


def _validation(entry: Entry) -> str:
    return mean_and_deviation(entry.validation, 2) if entry.validation else "–"


def _test(entry: Entry) -> str:
    return mean_and_deviation(entry.test, 2) if entry.test else "–"


def verdict(entry: Entry) -> str:
    """How a configuration compares with the best of its ranking, in words.

    Empty where it cannot be said what is within noise of the best.
    """
    if entry.within_noise is None:
        return ""
    if entry.rank == 1:
        return "the best"
    return "within noise" if entry.within_noise else "worse"


def _parameters(entry: Entry) -> str:
    count = entry.rows[0].parameters if entry.rows else None
    return "–" if count is None else f"{count:,}"


def _multiply_adds(entry: Entry) -> str:
    count = entry.rows[0].multiply_adds if entry.rows else None
    return "–" if count is None else f"{count / 1e6:,.1f}"


def as_markdown(board: Leaderboard, title: str) -> str:
    """Format as Markdown: what it shows in sentences, the table, the failed jobs."""
    heading = f"# {in_markdown(board.plan.name)}: {board.plan.kind} {title}"
    return "\n".join([heading, "", *body(board)]) + "\n"


def body(board: Leaderboard) -> list[str]:
    """The lines of the Markdown below its heading."""
    shown = columns(board)
    names = list(shown)
    lines = [counted(board), ""]
    lines += [f"- {words_in_markdown(sentence)}" for sentence in findings(board)]
    same = [f"{size} {IN_WORDS[name]}" for name, size in same_for_all(board).items()]
    lines += [f"- All configurations have {several(same)}."] * bool(same)
    for ranking in board.rankings:
        if len(board.rankings) > 1:
            judged = ", ".join(f"{key} {value}" for key, value in ranking.judged_by.items())
            lines += ["", f"Judged by {in_markdown(judged)}:"]
        lines += ["", _line(names), _line(["---"] * len(names))]
        for entry in ranking.entries:
            lines.append(_line([in_markdown(cell(entry)) for cell in shown.values()]))
    found = ablated(board) if board.plan.kind == "ablation" else None
    if found is not None:
        lines += ["", f"Compared with the baseline, {mean_sd_n(found.baseline.validation)}:", ""]
        lines += [f"- {in_markdown(sentence)}" for sentence in told(found)]
    if board.failed:
        lines += ["", "Failed:", ""]
        lines += [
            f"- {in_markdown(name)}: {in_markdown(shortened(error, 200))}"
            for name, error in board.failed
        ]
    return lines


def counted(board: Leaderboard) -> str:
    """How many jobs are done, failed and left."""
    done, failed = sum(len(entry.rows) for entry in board.entries), len(board.failed)
    parts = [f"{done} of {plural(len(board.plan.jobs), 'job', 'jobs')} done"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{board.unfinished} left"] if board.unfinished else []
    return ", ".join(parts) + "."


def _line(columns: Sequence[str]) -> str:
    return f"| {' | '.join(columns)} |"
