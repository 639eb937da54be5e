"""Curves of several configurations, checked by the data in their axes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.report.charts.curves import Curve, spread
from cifar_lab.report.figures import sweep as figures
from cifar_lab.report.figures.configurations import GREY
from tests.report.figures.lettered import overlaps, words

NAN = math.nan


def test_a_line_is_the_mean_over_seeds_in_percent_and_its_band_one_standard_deviation(drawn):
    accuracy = Curve("a", [1, 2], [[0.1, 0.5], [0.2, 0.6], [0.6, 0.7]])
    loss = Curve("a", [1, 2], [[2.0, 1.0], [2.2, 1.0], [2.4, 1.3]])
    assert figures.validation_curves([accuracy], [loss]).startswith(b"\x89PNG")
    loss_axes, accuracy_axes = drawn[0].axes
    assert loss_axes.lines[0].get_ydata() == pytest.approx([2.2, 1.1])
    assert accuracy_axes.lines[0].get_ydata() == pytest.approx([30, 60])
    assert band(accuracy_axes) == pytest.approx(
        [30 - 10 * math.sqrt(7), 30 + 10 * math.sqrt(7), 50, 70]
    )
    assert "bands are ± 1 standard deviation." in " ".join(words(drawn[0]))


def test_the_band_of_two_seeds_ends_at_both_and_one_seed_has_none(drawn):
    curves = [Curve("two", [1], [[0.2], [0.4]]), Curve("one", [1], [[0.3]])]
    figures.validation_curves(curves, curves)
    axes = drawn[0].axes[1]
    assert len(axes.collections) == 1
    assert band(axes) == pytest.approx([20, 40])
    assert "bands are lowest to highest." in " ".join(words(drawn[0]))
    figures.validation_curves(curves[1:], curves[1:])
    assert not any("band" in word for word in words(drawn[1]))


def test_values_that_are_not_finite_are_left_out_of_the_mean():
    mean, low, high = spread(Curve("a", [1, 2, 3], [[1.0, NAN, NAN], [3.0, math.inf, 5.0]]))
    np.testing.assert_allclose([mean, low, high], [[2, NAN, 5], [1, NAN, 5], [3, NAN, 5]])
    assert np.isnan(spread(Curve("a", [1, 2], []))).all()


def test_both_panels_have_the_same_epochs_and_looks(drawn):
    accuracy, loss = made(12)
    figures.validation_curves(accuracy, loss)
    left, right = drawn[0].axes
    assert left.get_xlim() == right.get_xlim()
    looks = [
        [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in axes.lines]
        for axes in (left, right)
    ]
    assert looks[0] == looks[1]
    assert len(set(looks[0])) == 12
    assert legend(drawn[0]) == [curve.name for curve in accuracy]


def test_markers_of_curves_that_coincide_lie_at_different_epochs(drawn):
    curves = [Curve(name, range(1, 41), [[0.5] * 40]) for name in "ab"]
    figures.validation_curves(curves, curves)
    first, second = (line.get_markevery() for line in drawn[0].axes[1].lines)
    assert set(range(40)[first[0] :: first[1]]).isdisjoint(range(40)[second[0] :: second[1]])


def test_of_many_the_best_eight_are_named_and_the_others_grey_and_told(drawn):
    accuracy, loss = made(30)
    figures.validation_curves(accuracy, loss)
    colours = [line.get_color() for line in drawn[0].axes[1].lines]
    assert [n for n, colour in enumerate(colours) if colour != GREY] == list(range(22, 30))
    assert legend(drawn[0]) == [
        *(curve.name for curve in accuracy[22:]),
        "the other 22 (8 named: best accuracy)",
    ]
    assert overlaps(drawn[0]) == []


@pytest.mark.parametrize("name", ["$x$", "n" * 80, "optimizer.lr=0.1," * 12])
@pytest.mark.parametrize("count", [1, 4, 12])
def test_no_text_covers_another_whatever_the_names(drawn, name, count):
    accuracy, loss = made(count, name)
    figures.validation_curves(accuracy, loss)
    assert len(set(legend(drawn[0]))) == count
    assert overlaps(drawn[0]) == []


@pytest.mark.parametrize(
    "rows", [[[0.92125, 0.92126]], [[NAN, NAN]], [[1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]], []]
)
def test_equal_and_missing_values_have_axes_with_plain_numbers(drawn, rows):
    curve = Curve("a", [1, 2], rows)
    figures.validation_curves([curve], [curve])
    low, high = drawn[0].axes[1].get_ylim()
    assert high - low >= 0.099
    assert not any("e" in word for word in words(drawn[0]) if word[0] in "-−+0123456789")
    assert overlaps(drawn[0]) == []


def test_one_epoch_is_a_point_at_a_whole_number(drawn):
    curve = Curve("a", [1], [[0.5]])
    figures.validation_curves([curve], [curve])
    axes = drawn[0].axes[1]
    assert axes.lines[0].get_marker() == "o"
    assert all(tick == round(tick) for tick in axes.get_xticks())


def test_a_loss_that_diverged_does_not_flatten_the_others(drawn):
    accuracy, loss = made(2)
    figures.validation_curves(accuracy, [loss[0], Curve("b", [1, 2], [[3.0, 1e9]])])
    assert drawn[0].axes[0].get_yscale() == "log"
    assert drawn[0].axes[1].get_yscale() == "linear"
    figures.validation_curves(accuracy, loss)
    assert drawn[1].axes[0].get_yscale() == "linear"
    assert overlaps(drawn[0]) == []


def made(count: int, name: str = "configuration") -> tuple[list[Curve], list[Curve]]:
    """The later, the better."""
    names = [f"{name}{n}" for n in range(count)]
    accuracy = [
        Curve(name, [1, 2], [[0.3 + n / 100, 0.5 + n / 100]] * 2) for n, name in enumerate(names)
    ]
    loss = [Curve(name, [1, 2], [[2.0 - n / 100, 1.0]] * 2) for n, name in enumerate(names)]
    return accuracy, loss


def band(axes) -> list[float]:
    """Lower and upper edge at each epoch of the first band."""
    (path,) = axes.collections[0].get_paths()
    found: dict[float, list[float]] = {}
    for x, y in path.vertices:
        found.setdefault(x, []).append(y)
    return [end for x in sorted(found) for end in (min(found[x]), max(found[x]))]


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]
