"""The chart of learning rate range tests."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifar_lab.report.figures.chart import BLUE, GREY, VERMILION, plain_log, png, tidy
from cifar_lab.report.figures.lettering import lettering
from cifar_lab.run.lr_finder import RULE_NAMES, LrFinder, SeedTest, Suggested, rate

#: Size and margins in inches; the left margin leaves room for the rules' names and values.
WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 9.0, 3.9, 2.4, 0.2, 0.5, 0.1
#: Height of the upper chart relative to the lower, and of the gap relative to their mean.
UPPER, GAP = 0.3, 0.06
#: Top of the lower chart as a multiple of the initial loss: divergence beyond it adds nothing.
ENDS_AT = 1.3


@lettering()
def range_tests(found: LrFinder) -> bytes:
    """Each rule's suggestion, and below it every seed's smoothed loss, against learning rate.

    Args:
        found: results of the tests.
    """
    figure = Figure(figsize=(WIDTH, HEIGHT))
    rules, losses = figure.subplots(
        2,
        1,
        sharex=True,
        gridspec_kw={
            "left": LEFT / WIDTH,
            "right": 1 - RIGHT / WIDTH,
            "bottom": BOTTOM / HEIGHT,
            "top": 1 - TOP / HEIGHT,
            "height_ratios": [UPPER, 1],
            "hspace": GAP,
        },
    )
    spreads, settings = found.suggestions, found.settings
    _curves(losses, found.seeds)
    losses.set_xscale("linear" if settings.spacing == "linear" else "log")
    if settings.spacing != "linear":
        plain_log(losses.xaxis)
    # One row per rule, so that labels and ranges never overlap however close the values are.
    medians = (rate(None if spread is None else spread.median) for spread in spreads.values())
    names = [f"{RULE_NAMES[rule]}: {median}" for rule, median in zip(spreads, medians, strict=True)]
    rules.set_yticks(range(len(names)), names)
    rules.set_ylim(len(names) - 0.5, -0.5)
    for row, (rule, spread) in enumerate(spreads.items()):
        chosen = rule == settings.suggestion
        if chosen:
            rules.get_yticklabels()[row].set_fontweight("bold")
        if spread is not None:
            _suggestion(rules, losses, row, spread, chosen)
    rules.tick_params(which="both", length=0, labelbottom=False)
    rules.spines[:].set_visible(False)
    return png(figure)


def _curves(axes: Axes, seeds: Sequence[SeedTest]) -> None:
    for each in seeds:
        axes.plot(each.learning_rates, each.smoothed, color=BLUE, lw=1.2)
    names = ", ".join(str(each.seed) for each in seeds)
    lines = f"seed {names}" if len(seeds) == 1 else f"one line per seed: {names}"
    axes.set(xlabel=f"learning rate ({lines})", ylabel="smoothed loss (nats)")
    smoothed = [each.smoothed for each in seeds if each.smoothed]
    if smoothed:
        least, top = min(map(min, smoothed)), ENDS_AT * max(losses[0] for losses in smoothed)
        axes.set_ylim(least - 0.05 * (top - least), top)
    tidy(axes)


def _suggestion(rules: Axes, losses: Axes, row: int, spread: Suggested, chosen: bool) -> None:
    """Draw the median with its range, and a line down through the curves."""
    colour, width, dashes = (VERMILION, 1.4, "-") if chosen else (GREY, 0.9, "--")
    median = spread.median
    rules.plot([spread.lowest, spread.highest], [row, row], color=colour, marker="|", ms=7)
    rules.plot([median], [row], color=colour, marker="o", ms=5)
    rules.plot(
        [median, median], [row, len(RULE_NAMES)], color=colour, lw=width, ls=dashes, zorder=0
    )
    losses.axvline(median, color=colour, lw=width, ls=dashes, zorder=0)
