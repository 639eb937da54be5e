"""The accuracy of a sweep's configurations as a chart, and in words which is the best."""

from __future__ import annotations

import math
from statistics import mean

from cifar_lab.analysis.noise import intervals, within_noise
from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Section, Text
from cifar_lab.report.charts import ranking as charts
from cifar_lab.report.charts.ranking import Ranked
from cifar_lab.report.figures.dots import dots
from cifar_lab.results.leaderboard import Leaderboard
from cifar_lab.results.leaderboard_text import verdict

#: What intervals of a ranking are.
POOLED = (
    "Intervals are Student's: the deviation between seeds is pooled over the configurations near "
    "the best, and for others it is their own."
)
#: Most configurations of a ranking that are drawn, and most that a sentence names.
MOST_ROWS, NAMED = 40, 6


def ranking(board: Leaderboard) -> Section | None:
    """Mean and interval of each configuration; None without anything to compare."""
    if sum(bool(entry.validation) for entry in board.entries) < 2:
        return None
    groups = [_group(board, number) for number in range(len(board.rankings))]
    shown = charts.ranking([(title, found[:MOST_ROWS]) for title, found in groups])
    known = any(math.isfinite(dot.low) for dot in shown.dots())
    how = POOLED if known else "Of single seeds, there are no intervals."
    cut = sum(max(0, len(found) - MOST_ROWS) for _, found in groups)
    figure = picture(
        "sweep_ranking",
        lambda: dots(shown),
        f"Validation accuracy of each configuration. {_best_of(board)}",
        f"Mean validation accuracy of each configuration. {how}"
        + f" The {cut} lowest are not drawn." * bool(cut),
    )
    return Section("Ranking", [*attempts.plot(shown, figure), Text(_best_of(board))])


def _group(board: Leaderboard, number: int) -> tuple[str, list[Ranked]]:
    """The configurations of a ranking under what they are judged by, if there are several."""
    ranking = board.rankings[number]
    entries = [entry for entry in ranking.entries if entry.validation]
    values = [entry.validation for entry in entries]
    noise = ranking.noise or within_noise(values, 0)
    judged = ", ".join(f"{key} {value}" for key, value in ranking.judged_by.items())
    found = [
        Ranked(entry.name, entry.validation, interval, verdict(entry))
        for entry, interval in zip(entries, intervals(values, noise), strict=True)
    ]
    return judged if len(board.rankings) > 1 else "", found


def _best_of(board: Leaderboard) -> str:
    """Which is the best, by how much, and which are within noise of it, in sentences."""
    if board.best is None:
        return "There is no common ranking of these configurations."
    best, *others = board.rankings[0].entries
    told = f"The best is {best.name} with {mean(best.validation):.2f} %"
    if not others:
        return f"{told}."
    ahead = mean(best.validation) - mean(others[0].validation)
    told += f", {ahead:.2f} points ahead of the next, {others[0].name}."
    within = [entry.name for entry in others if entry.within_noise]
    noise = board.rankings[0].noise
    if noise is None or not noise.marked:
        return told
    if not within:
        return f"{told} No other is within noise of it."
    shown = within if len(within) <= NAMED else [*within[:NAMED], f"{len(within) - NAMED} more"]
    return f"{told} Within noise of it: {'; '.join(shown)}."
