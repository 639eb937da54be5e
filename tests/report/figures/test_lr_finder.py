"""The chart of range tests, checked by the data in its axes and by the resulting PNG."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cifar_lab.engine.lr_finder import RangeTest
from cifar_lab.report.figures import lr_finder as finder_figure
from cifar_lab.report.figures.chart import VERMILION
from cifar_lab.run.lr_finder import LrFinder, finding


def found(spacing: str = "exponential", seeds: int = 3, falls: float = 1.0) -> LrFinder:
    test = RangeTest(
        start_lr=1e-4, end_lr=10.0, steps=100, spacing=spacing, smoothing=1.0, divergence=5.0,
        seeds=seeds, suggestion="valley",
    )  # fmt: skip
    where = np.linspace(0, 1, 100)
    curves = {
        seed: test.curve((2 - falls * np.sin(3 * where) + seed * 0.1 * where**2).tolist())
        for seed in range(seeds)
    }
    return finding(test, curves, device="cpu", precision="float32", seconds=1.0)


@pytest.mark.parametrize("spacing", ["exponential", "linear"])
def test_every_seed_has_its_line_and_every_rule_its_median(drawn, spacing):
    record = found(spacing)
    assert finder_figure.range_tests(record).startswith(b"\x89PNG")
    rules, losses = drawn[0].axes
    curves = [line for line in losses.lines if len(line.get_xdata()) > 2]
    assert [list(line.get_ydata()) for line in curves] == [list(s.smoothed) for s in record.seeds]
    assert losses.get_xscale() == ("linear" if spacing == "linear" else "log")
    medians = {s.median for s in record.suggestions.values()}
    verticals = [line for line in losses.lines if len(line.get_xdata()) == 2]
    assert {line.get_xdata()[0] for line in verticals} == medians
    (emphasised,) = [line for line in verticals if line.get_color() == VERMILION]
    assert emphasised.get_xdata()[0] == record.suggestions["valley"].median
    bold = [t.get_text() for t in rules.get_yticklabels() if t.get_fontweight() == "bold"]
    assert bold == [f"valley: {record.suggestions['valley'].median:.3g}"]


def test_no_label_covers_another_or_leaves_the_picture(drawn):
    record = found()
    chosen = dataclasses.replace(record.suggestions["steepest"], median=0.000433)
    record = dataclasses.replace(
        record,
        # The longest name, in bold.
        settings=dataclasses.replace(record.settings, suggestion="steepest"),
        suggestions={**record.suggestions, "steepest": chosen},
    )
    finder_figure.range_tests(record)
    figure = drawn[0]
    figure.draw_without_rendering()  # places the labels
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    boxes.append(figure.axes[1].yaxis.label.get_window_extent())
    assert all(box.x0 >= 0 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_where_no_loss_falls_the_rules_have_none(drawn):
    finder_figure.range_tests(found(seeds=1, falls=0.0))
    rules, losses = drawn[0].axes
    assert [t.get_text().split(": ")[1] for t in rules.get_yticklabels()] == ["none"] * 3
    assert "(seed 0)" in losses.get_xlabel()


def test_tests_without_a_single_finite_loss_are_drawn_too():
    record = found(seeds=1)
    empty = dataclasses.replace(record.seeds[0], learning_rates=(), losses=(), smoothed=())
    record = dataclasses.replace(
        record, seeds=(empty,), suggestions=dict.fromkeys(record.suggestions)
    )
    assert finder_figure.range_tests(record).startswith(b"\x89PNG")
