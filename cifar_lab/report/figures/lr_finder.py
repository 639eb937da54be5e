"""The chart of range tests of the learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifar_lab.report.figures.chart import BLUE, GREY, VERMILION, png, tidy
from cifar_lab.run.lr_finder import RULE_NAMES, LrFinder, SeedTest, Suggested, rate

#: Size and margins in inches; to the left there is room for the rules' names and numbers.
WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 9.0, 3.9, 2.4, 0.2, 0.5, 0.1
#: Height of the upper chart, over that of the lower, and of the gap, over their mean.
UPPER, GAP = 0.3, 0.06
#: The lower chart ends at so many times the loss at the start: what diverges beyond says no more.
ENDS_AT = 1.3


def range_tests(found: LrFinder) -> bytes:
    """What each rule suggests, and below it the smoothed loss of every seed, over learning rate.

    Args:
        found: what the tests found.
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
    # As rows of names, numbers and ranges, which cannot cover each other however close they are.
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
    lines = f"seed {names}" if len(seeds) == 1 else f"a line for each of the seeds {names}"
    axes.set(xlabel=f"learning rate ({lines})", ylabel="smoothed loss (nats)")
    smoothed = [each.smoothed for each in seeds if each.smoothed]
    if smoothed:
        least, top = min(map(min, smoothed)), ENDS_AT * max(losses[0] for losses in smoothed)
        axes.set_ylim(least - 0.05 * (top - least), top)
    tidy(axes)


def _suggestion(rules: Axes, losses: Axes, row: int, spread: Suggested, chosen: bool) -> None:
    """The median with its range, and a line down through the curves."""
    colour, width, dashes = (VERMILION, 1.4, "-") if chosen else (GREY, 0.9, "--")
    median = spread.median
    rules.plot([spread.lowest, spread.highest], [row, row], color=colour, marker="|", ms=7)
    rules.plot([median], [row], color=colour, marker="o", ms=5)
    rules.plot(
        [median, median], [row, len(RULE_NAMES)], color=colour, lw=width, ls=dashes, zorder=0
    )
    losses.axvline(median, color=colour, lw=width, ls=dashes, zorder=0)
