"""The figures of a sweep's page: curves, effects of the factors, accuracy against cost."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from statistics import mean, stdev

import numpy as np

from cifar_lab.analysis.factors import factors
from cifar_lab.analysis.spread import mean_and_deviation
from cifar_lab.refusal import Refusal
from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.charts import cost as charts_cost
from cifar_lab.report.charts.cost import told_of_front
from cifar_lab.report.charts.curves import Curve, bands, told_of, validation
from cifar_lab.report.charts.effects import differences, effects, largest_effect
from cifar_lab.report.charts.heat_map import Grid
from cifar_lab.report.charts.heat_map import heat_map as heat_map_table
from cifar_lab.report.figures.comparison import accuracy_and_cost
from cifar_lab.report.figures.dots import dots
from cifar_lab.report.figures.effects import heat_map, parallel_coordinates
from cifar_lab.report.figures.levels import in_order
from cifar_lab.report.figures.sweep import validation_curves
from cifar_lab.results.ablated import Ablated, ablated, signed, told
from cifar_lab.results.findings import mean_sd_n
from cifar_lab.results.leaderboard import Entry, Leaderboard
from cifar_lab.results.leaderboard_text import varied
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder

#: Most configurations whose curves are read; beyond, the best ones.
MOST_CURVES = 60


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
        blocks += _effects(cells)
    if planned and len(keys) == 2:
        blocks += _heat_map(keys, cells)
    if len(keys) > 2:
        blocks.append(_parallel(keys, cells))
    return Section("Effects", blocks) if blocks else None


def _effects(cells: Sequence[tuple[dict[str, str], list[float]]]) -> list[Block]:
    """The mean of each value of each factor, and which factor matters most."""
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
    shown, told = effects(found), largest_effect(found)
    figure = picture(
        "sweep_effects", lambda: dots(shown), f"Effect of each factor. {told}", caption
    )
    return [*attempts.plot(shown, figure), Text(told)]


def _parallel(keys: Sequence[str], cells: Sequence[tuple[dict[str, str], list[float]]]) -> Block:
    return picture(
        "sweep_parallel",
        lambda: parallel_coordinates(
            keys,
            [list(levels.values()) for levels, _ in cells],
            [mean(values) for _, values in cells],
        ),
        "Configurations as lines across one axis for each key",
        "Each line is a configuration, coloured by its mean validation accuracy, the best one "
        "thick.",
    )


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


def _heat_map(
    keys: Sequence[str], cells: Sequence[tuple[dict[str, str], list[float]]]
) -> list[Block]:
    rows, columns = (in_order([levels[key] for levels, _ in cells]) for key in keys)
    means = np.full((len(rows), len(columns)), np.nan)
    counts = np.zeros(means.shape, dtype=np.int64)
    for levels, values in cells:
        place = rows.index(levels[keys[0]]), columns.index(levels[keys[1]])
        means[place], counts[place] = mean(values), len(values)
    alt = f"Mean validation accuracy by {keys[0]} and {keys[1]}"
    caption = f"{alt}, over seeds; the best is outlined."
    drawn = picture(
        "sweep_heat_map",
        lambda: heat_map(keys[0], keys[1], rows, columns, means, counts),
        alt,
        caption,
        "natural",
    )
    grid = Grid(keys[0], keys[1], rows, columns, means, counts)
    return attempts.chart(lambda: heat_map_table(grid, "sweep", alt, caption), [drawn])


def cost(board: Leaderboard) -> Section | None:
    """Accuracy against multiply-adds; None where all configurations cost the same."""
    entries = [entry for entry in board.entries if entry.validation]
    adds = [entry.rows[0].multiply_adds for entry in entries]
    known = [value for value in adds if value is not None]
    if len(board.rankings) != 1 or len(known) < len(adds) or len(set(known)) < 2:
        return None
    told = (
        [entry.name for entry in entries],
        [mean(entry.validation) for entry in entries],
        [stdev(e.validation) if len(e.validation) > 1 else np.nan for e in entries],
        [value / 1e6 for value in known],
        "multiply-adds of an image (millions)",
        [entry.pareto for entry in entries],
    )
    figure = picture(
        "sweep_cost",
        lambda: accuracy_and_cost(*told),
        f"Validation accuracy against multiply-adds. {told_of_front(*told)}",
        "Mean validation accuracy against the multiply-adds of one image, ± 1 standard deviation "
        "over seeds. No configuration is as accurate as one of the Pareto set with fewer.",
    )
    shown = attempts.plot(charts_cost.accuracy_and_cost(*told), figure)
    return Section("Accuracy and cost", [*shown, Text(told_of_front(*told))])


def ablation(board: Leaderboard) -> Section | None:
    """What the pieces of an ablation are worth; None for other sweeps."""
    found = ablated(board) if board.plan.kind == "ablation" else None
    if found is None:
        return None
    pieces = found.pieces
    shown = differences(
        [piece.name for piece in pieces],
        [piece.difference for piece in pieces],
        [piece.low for piece in pieces],
        [piece.high for piece in pieces],
        found.key,
    )
    words = " ".join(told(found))
    figure = picture(
        "ablation",
        lambda: dots(shown),
        f"Change of validation accuracy for each piece. {words}",
        f"Change of the mean validation accuracy {found.key} each piece, to the baseline.",
    )
    return Section(
        "Ablation",
        [
            Text(_read(found)),
            *attempts.plot(shown, figure),
            Text(words),
            _pieces(found),
        ],
    )


def _pieces(found: Ablated) -> Table:
    """A row for each piece."""
    rows = [
        [
            piece.name,
            mean_and_deviation(piece.entry.validation, 2),
            str(len(piece.entry.validation)),
            signed(piece.difference),
            "–" if np.isnan(piece.low) else f"{signed(piece.low)} to {signed(piece.high)}",
            "yes" if piece.clear else "no",
        ]
        for piece in found.pieces
    ]
    header = (
        found.key,
        "validation accuracy (%)",
        "n",
        "change (points)",
        "95 % interval",
        "clear",
    )
    return Table(header, rows, text_columns=(5,))


def _read(found: Ablated) -> str:
    return (
        f"The baseline has {mean_sd_n(found.baseline.validation)}. Each piece was "
        f"{'left out' if found.key == 'without' else 'used alone'}, and compared with it by "
        "Dunnett's two-sided intervals, which hold for all pieces together with 95 % confidence; "
        "the baseline has more seeds, since every comparison uses it."
    )
