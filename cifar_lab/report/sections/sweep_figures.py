"""The figures of a sweep's page: curves, effects of the factors, accuracy against cost."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from statistics import mean, stdev

import numpy as np

from cifar_lab.analysis.factors import factors
from cifar_lab.analysis.noise import intervals, within_noise
from cifar_lab.refusal import Refusal
from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.charts import ranking as charts
from cifar_lab.report.charts.curves import Curve, bands, told_of, validation
from cifar_lab.report.charts.ranking import Ranked
from cifar_lab.report.figures.ablation import costs
from cifar_lab.report.figures.comparison import accuracy_and_cost
from cifar_lab.report.figures.dots import dots
from cifar_lab.report.figures.effects import effects, heat_map, parallel_coordinates
from cifar_lab.report.figures.sweep import validation_curves
from cifar_lab.results.ablated import Ablated, ablated, signed
from cifar_lab.results.findings import mean_sd_n
from cifar_lab.results.leaderboard import Entry, Leaderboard
from cifar_lab.results.leaderboard_text import varied, verdict
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder

#: Most configurations whose curves are read; beyond, the best ones.
MOST_CURVES = 60
#: Most configurations of a ranking that are drawn, and most that a sentence names.
MOST_ROWS, NAMED = 40, 6


def ranking(board: Leaderboard) -> Section | None:
    """Mean and interval of each configuration; None without anything to compare."""
    if sum(bool(entry.validation) for entry in board.entries) < 2:
        return None
    groups = [_group(board, number) for number in range(len(board.rankings))]
    shown = charts.ranking([(title, found[:MOST_ROWS]) for title, found in groups])
    cut = sum(max(0, len(found) - MOST_ROWS) for _, found in groups)
    figure = picture(
        "sweep_ranking",
        lambda: dots(shown),
        f"Validation accuracy of each configuration. {_best_of(board)}",
        "Mean validation accuracy of each configuration with Student's 95 % interval. Its "
        "deviation between seeds is pooled over the configurations near the best; for others it "
        f"is their own. {f'The {cut} lowest are not drawn.' * bool(cut)}".rstrip(),
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
        Ranked(entry.name, entry.validation, interval, verdict(board, entry) * bool(ranking.noise))
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


def curves(folder: SweepFolder, board: Leaderboard) -> Section | None:
    """Validation curves of the configurations on shared axes; None without any."""
    entries = [entry for entry in board.entries if entry.validation]
    shown = entries[:MOST_CURVES]
    drawn = [each for each in (_curves(folder, board, e) for e in shown) if each is not None]
    if not drawn:
        return None
    accuracy, loss = zip(*drawn, strict=True)
    cut = len(entries) - len(shown)
    figure = picture(
        "sweep_curves",
        lambda: validation_curves(accuracy, loss),
        f"Validation loss and accuracy over epochs. {told_of(accuracy)}",
        f"Validation loss and accuracy after each epoch. {bands([*accuracy, *loss])}"
        + f" The {cut} configurations with the lowest rank are not drawn." * bool(cut),
    )
    shown_as = attempts.plot(validation(accuracy, loss), figure)
    return Section("Curves", [*shown_as, Text(told_of(accuracy))])


def _curves(folder: SweepFolder, board: Leaderboard, entry: Entry) -> tuple[Curve, Curve] | None:
    runs = []
    for row in entry.rows:
        with contextlib.suppress(Refusal):  # a damaged run is shown in its own report
            runs.append(Run(folder.job(board.plan.jobs[row.number].name)).metrics)
    runs = [rows for rows in runs if "val_accuracy" in rows[0]]
    if not runs:
        return None
    epochs = [row["epoch"] for row in max(runs, key=len)]

    def of(column: str) -> list[list[float]]:
        return [
            [rows[n][column] if n < len(rows) else np.nan for n in range(len(epochs))]
            for rows in runs
        ]

    return Curve(entry.name, epochs, of("val_accuracy")), Curve(entry.name, epochs, of("val_loss"))


def factors_section(board: Leaderboard) -> Section | None:
    """The effect of each factor; None where fewer than two configurations can be compared."""
    entries = [entry for entry in board.entries if entry.validation]
    if len(board.rankings) != 1 or len(entries) < 2 or board.plan.kind == "ablation":
        return None
    levels = together(varied(board), [entry.values for entry in entries])
    keys = list(levels[0])
    cells = [(each, entry.validation) for each, entry in zip(levels, entries, strict=True)]
    if len({tuple(levels.values()) for levels, _ in cells}) < len(cells):
        return None
    blocks: list[Block] = []
    # A search rarely tries a value twice, and not by a plan: averages would compare little.
    planned = board.plan.kind != "search"
    if planned and len(keys) > 1:
        found = factors(cells)
        partly = [factor.key for factor in found if not factor.balanced]
        caption = (
            "Mean validation accuracy at each value of a factor, averaged over the values of the "
            "others, with 95 % intervals from the deviation between seeds."
        )
        if partly:
            caption += (
                f" Not all combinations ran, so that {', '.join(partly)} is averaged over "
                "those that all of its values share."
            )
        blocks.append(
            picture("sweep_effects", lambda: effects(found), "Effect of each factor", caption)
        )
    if planned and len(keys) == 2:
        blocks.append(_heat_map(keys, cells))
    if len(keys) > 2:
        blocks.append(
            picture(
                "sweep_parallel",
                lambda: parallel_coordinates(
                    keys,
                    [list(levels.values()) for levels, _ in cells],
                    [mean(values) for _, values in cells],
                ),
                "Configurations as lines across one axis a key",
                "Each line is a configuration, coloured by its mean validation accuracy, the best "
                "one thick.",
            )
        )
    return Section("Effects", blocks) if blocks else None


def together(
    keys: Sequence[str], configurations: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    """Return the values of each configuration by factor; keys that vary together are one factor.

    Their effects cannot be told apart, e.g. of ``optimizer`` and ``optimizer.lr`` in pairs.

    Args:
        keys: that vary.
        configurations: the text of each value, by key.
    """
    columns = {key: [values.get(key, "–") for values in configurations] for key in keys}
    factors_of: dict[tuple[int, ...], list[str]] = {}
    for key, column in columns.items():
        factors_of.setdefault(tuple(map(column.index, column)), []).append(key)
    return [
        {
            ", ".join(names): ", ".join(columns[name][number] for name in names)
            for names in factors_of.values()
        }
        for number in range(len(configurations))
    ]


def _heat_map(keys: Sequence[str], cells: Sequence[tuple[dict[str, str], list[float]]]) -> Block:
    rows, columns = (list(dict.fromkeys(levels[key] for levels, _ in cells)) for key in keys)
    means = np.full((len(rows), len(columns)), np.nan)
    counts = np.zeros(means.shape, dtype=np.int64)
    for levels, values in cells:
        place = rows.index(levels[keys[0]]), columns.index(levels[keys[1]])
        means[place], counts[place] = mean(values), len(values)
    return picture(
        "sweep_heat_map",
        lambda: heat_map(keys[0], keys[1], rows, columns, means, counts),
        f"Mean validation accuracy by {keys[0]} and {keys[1]}",
        f"Mean validation accuracy over seeds by {keys[0]} and {keys[1]}; the best is outlined.",
        "natural",
    )


def cost(board: Leaderboard) -> Section | None:
    """Accuracy against multiply-adds; None where all configurations cost the same."""
    entries = [entry for entry in board.entries if entry.validation]
    adds = [entry.rows[0].multiply_adds for entry in entries]
    known = [value for value in adds if value is not None]
    if len(board.rankings) != 1 or len(known) < len(adds) or len(set(known)) < 2:
        return None
    spreads = [stdev(e.validation) if len(e.validation) > 1 else np.nan for e in entries]
    return Section(
        "Accuracy and cost",
        [
            picture(
                "sweep_cost",
                lambda: accuracy_and_cost(
                    [entry.name for entry in entries],
                    [mean(entry.validation) for entry in entries],
                    spreads,
                    [value / 1e6 for value in known],
                    "multiply-adds of an image (millions)",
                    [entry.pareto for entry in entries],
                ),
                "Validation accuracy against multiply-adds",
                "Mean validation accuracy against the multiply-adds of one image. No configuration "
                "is as accurate as one of the Pareto set with fewer.",
            )
        ],
    )


def ablation(board: Leaderboard) -> Section | None:
    """What the pieces of an ablation are worth; None for other sweeps."""
    found = ablated(board) if board.plan.kind == "ablation" else None
    if found is None:
        return None
    pieces = found.pieces
    return Section(
        "Ablation",
        [
            Text(_read(found)),
            picture(
                "ablation",
                lambda: costs(
                    [piece.name for piece in pieces],
                    [piece.difference for piece in pieces],
                    [piece.low for piece in pieces],
                    [piece.high for piece in pieces],
                ),
                "Change of validation accuracy for each piece",
                f"Change of the mean validation accuracy {found.key} each piece, to the baseline.",
            ),
            Table(
                (found.key, "validation accuracy", "change (points)", "95 % interval", "clear"),
                [
                    [
                        piece.name,
                        mean_sd_n(piece.entry.validation),
                        signed(piece.difference),
                        "–"
                        if np.isnan(piece.low)
                        else f"{signed(piece.low)} to {signed(piece.high)}",
                        "yes" if piece.clear else "no",
                    ]
                    for piece in pieces
                ],
            ),
        ],
    )


def _read(found: Ablated) -> str:
    return (
        f"The baseline has {mean_sd_n(found.baseline.validation)}. Each piece was "
        f"{'left out' if found.key == 'without' else 'used alone'}, and compared with it by "
        "Dunnett's two-sided intervals, which hold for all pieces together with 95 % confidence; "
        "the baseline has more seeds, since every comparison uses it."
    )
