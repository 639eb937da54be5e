"""The values of a chart as a table, for readers who want the numbers."""

from __future__ import annotations

from cifar_lab.report.blocks import Table
from cifar_lab.report.charts.plot import Panel, Plot, Series
from cifar_lab.report.charts.svg import in_unit, told_at, written


def table_of(plot: Plot, folded: str) -> Table:
    """A row for each stop of the cursor and a column for each series, folded.

    Args:
        plot: the chart.
        folded: the label to click on.
    """
    columns = [(p, s) for p in plot.panels for s in p.series if not s.background]
    units = plot.units or ()
    heads = [unit.one for unit in units] or [plot.x.label]
    names = [_named(plot, panel, series) for panel, series in columns]
    rows = [
        [
            *_places(plot, x),
            *(told_at(series, x, panel.axis.digits) for panel, series in columns),
        ]
        for x in plot.stops()
    ]
    return Table((*heads, *names), rows, folded=folded)


def _places(plot: Plot, x: float) -> list[str]:
    if not plot.units:
        return [written(x, plot.x.digits)]
    return [in_unit(x, unit) for unit in plot.units]


def _named(plot: Plot, panel: Panel, series: Series) -> str:
    """A column's name: that of the series and, where there are several, that of the panel."""
    quantity = panel.axis.label.partition(" (")[0]
    if len(panel.series) == 1:
        return panel.axis.label
    return series.name if len(plot.panels) == 1 else f"{quantity}, {series.name}"
