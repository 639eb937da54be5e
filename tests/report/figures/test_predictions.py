"""Charts of predictions, checked by the data in their axes."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

from cifar_lab.analysis.confidence import calibration
from cifar_lab.analysis.predictions import class_results
from cifar_lab.analysis.selective import risks
from cifar_lab.report.charts import predictions as charts
from cifar_lab.report.figures import predictions as figures
from cifar_lab.report.figures.dots import dots

MATRIX = np.array([[8, 2, 0], [1, 9, 0], [0, 5, 5]])
NAMES = ("cat", "dog", "frog")


def test_the_matrix_shows_counts_and_colours_by_share_of_the_true_class(drawn):
    assert_is_png(figures.confusion_matrix(MATRIX, NAMES))
    (axes,) = drawn[0].axes
    expected = MATRIX / MATRIX.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(axes.images[0].get_array(), expected)
    counts = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    assert counts == {place: str(n) for place, n in np.ndenumerate(MATRIX) if n}
    assert [text.get_text() for text in axes.get_xticklabels()] == list(NAMES)
    assert [text.get_text() for text in axes.get_yticklabels()] == list(NAMES)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")


def test_names_stand_upright_only_where_they_are_too_wide(drawn):
    figures.confusion_matrix(np.eye(10, dtype=np.int64), [str(n) for n in range(10)])
    figures.confusion_matrix(MATRIX, ["a rather long name", "dog", "frog"])
    turned = [{text.get_rotation() for text in f.axes[0].get_xticklabels()} for f in drawn]
    assert turned == [{0}, {90}]


def test_a_hundred_classes_are_named_without_words_in_the_cells_and_no_name_covers_another(drawn):
    matrix, names = np.eye(100, dtype=np.int64) * 5, [f"class_{n}" for n in range(100)]
    assert_is_png(figures.confusion_matrix(matrix, names))
    (axes,) = drawn[0].axes
    assert len(axes.texts) == 0
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [text.get_text() for text in ticks] == names
    drawn[0].draw_without_rendering()
    labels = axes.get_yticklabels()
    places = [text.get_window_extent().y0 for text in labels]
    points = [72 / drawn[0].dpi * (a - b) for a, b in itertools.pairwise(places)]
    assert min(points) >= labels[0].get_size()


def test_more_classes_than_can_be_named_are_numbered(drawn):
    matrix = np.eye(200, dtype=np.int64)
    assert_is_png(figures.confusion_matrix(matrix, [f"c{n}" for n in range(200)]))
    (axes,) = drawn[0].axes
    assert axes.get_xlabel() == "predicted class (number)"


def test_recall_and_precision_lie_in_rows_with_their_intervals(drawn):
    results = class_results(MATRIX, NAMES)
    assert_is_png(dots(charts.recalls(results)))
    (axes,) = drawn[0].axes
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    for row, result in enumerate(results):
        # Recall with its interval above the middle of the row, and precision below it.
        of_row = [xs for xs, ys in lines if abs(ys[0] - row) < 0.5]
        expected = [
            [100 * value for value in values]
            for found in (result.recall, result.precision)
            for values in ([found.low, found.high], [found.share])
        ]
        assert of_row == [pytest.approx(values) for values in expected]
    assert axes.get_xlim()[1] == 100  # where the quantity ends
    assert [text.get_text() for text in axes.get_yticklabels()] == list(NAMES)
    top, bottom = axes.get_ylim()[::-1]
    assert top < bottom  # the first class is at the top


def test_where_a_class_was_never_predicted_there_are_words_and_no_dot(drawn):
    matrix = np.array([[2, 2, 0], [1, 3, 0], [2, 2, 0]])
    chart = charts.recalls(class_results(matrix, NAMES))
    row = chart.dots()[2]
    assert row.parts() == {"dot", "interval"}
    assert row.shown == ["0.0", "–"]
    assert row.told == "frog: recall 0.0 % (0.0 to 49.0), precision not predicted once"
    assert_is_png(dots(chart))


def test_the_reliability_diagram_shows_filled_bins_with_wilsons_intervals_and_counts(drawn):
    found = calibration(np.array([0.75, 0.8, 0.95, 0.95]), np.array([True, False, True, True]))
    assert_is_png(figures.reliability(charts.reliability([("", found)])))
    diagram, counts = drawn[0].axes
    diagonal, points = diagram.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 100]
    there = np.isfinite(points.get_ydata())
    assert points.get_xdata()[there] == pytest.approx([77.5, 95])
    assert points.get_ydata()[there] == pytest.approx([50, 100])
    ends = [part[:, 1] for part in diagram.collections[0].get_segments() if len(part)]
    expected = [binomtest(hits, 2).proportion_ci(method="wilson") for hits in (1, 2)]
    assert np.asarray(ends) == pytest.approx(100 * np.asarray(expected))
    # Two images each, on a linear scale from 0 to 2 at the foot of the panel.
    assert [bar.get_height() for bar in counts.patches] == pytest.approx([0.3, 0.3])
    assert [bar.get_x() for bar in counts.patches] == pytest.approx([1100 / 15, 1400 / 15])
    assert [text.get_text() for text in counts.get_yticklabels()] == ["0", "2"]
    assert counts.get_yscale() == "linear"


def test_before_and_after_scaling_stand_side_by_side(drawn):
    found = calibration(np.array([0.75, 0.95]), np.array([True, False]))
    plot = charts.reliability([(", before scaling", found), (", after scaling", found)])
    assert_is_png(figures.reliability(plot))
    titles = [axes.get_title() for axes in drawn[0].axes if axes.get_title()]
    assert titles == ["before scaling", "after scaling"]
    before, after, images, _ = drawn[0].axes
    left = [axes.get_tightbbox() for axes in (before, images)]
    assert max(box.x1 for box in left) < after.get_tightbbox().x0


def test_risk_by_coverage_ends_at_the_error_rate_and_starts_where_it_no_longer_jumps(drawn):
    right = np.arange(2000) < 1800
    plot = charts.risk_by_coverage(risks(-np.arange(2000.0), right))
    assert_is_png(figures.risk_by_coverage(plot))
    kept, best, random = drawn[0].axes[0].lines
    assert kept.get_xdata() == pytest.approx(np.arange(2, 101))
    assert kept.get_ydata() == pytest.approx(best.get_ydata())  # the errors are least confident
    assert kept.get_ydata()[:88] == pytest.approx(np.zeros(88))
    assert kept.get_ydata()[-1] == pytest.approx(10)
    assert set(random.get_ydata()) == {10}


@pytest.mark.parametrize(("images", "points"), [(1, 1), (3, 3), (100, 99), (10_000, 99)])
def test_a_curve_has_a_point_for_each_per_cent_or_image(images, points):
    chosen = charts.chosen_coverages(images)
    assert len(chosen) == points
    assert chosen[-1] == images - 1


def assert_is_png(png: bytes) -> None:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert all(150 < side < 3000 for side in image.size)
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 24)) > 2
