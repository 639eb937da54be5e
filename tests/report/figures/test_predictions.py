"""Charts of predictions, checked by the data in their axes."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from cifar_lab.analysis.confidence import calibration
from cifar_lab.analysis.predictions import class_results
from cifar_lab.report.figures import predictions as figures

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


def test_where_a_class_was_never_predicted_words_stand_in_place_of_a_precision(drawn):
    matrix = np.array([[2, 2, 0], [1, 3, 0], [2, 2, 0]])
    figures.class_recalls(class_results(matrix, NAMES), NAMES)
    (axes,) = drawn[0].axes
    assert [text.get_text() for text in axes.texts] == ["precision: not predicted once"]
    precisions = axes.containers[1].lines[0].get_xdata()
    assert np.isnan(precisions).tolist() == [False, False, True]


def test_a_few_of_the_classes_keep_their_labels(drawn):
    names = ["cat", "中", "dog"]  # the second has no glyph on some machines, and is then numbered
    results = class_results(MATRIX, tuple(names))
    figures.class_recalls([results[2], results[0]], names)
    (axes,) = drawn[0].axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["dog", "cat"]


def test_recall_and_precision_stand_with_their_intervals(drawn):
    results = class_results(MATRIX, NAMES)
    assert_is_png(figures.class_recalls(results, NAMES))
    (axes,) = drawn[0].axes
    for container, name in zip(axes.containers, ("recall", "precision"), strict=True):
        points, _, (bars,) = container.lines
        for number, result in enumerate(results):
            found = getattr(result, name)
            assert points.get_xdata()[number] == pytest.approx(100 * found.share)
            ends = bars.get_segments()[number][:, 0]
            assert ends == pytest.approx([100 * found.low, 100 * found.high])
    top, bottom = axes.get_ylim()[::-1]
    assert top < bottom  # the first class is at the top


def test_the_reliability_diagram_shows_filled_bins_alone(drawn):
    found = calibration(np.array([0.75, 0.8, 0.95, 0.95]), np.array([True, False, True, True]))
    assert_is_png(figures.reliability(found))
    diagram, counts = drawn[0].axes
    diagonal, points = diagram.lines
    (images,) = counts.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 100]
    assert points.get_xdata() == pytest.approx([77.5, 95])
    assert points.get_ydata() == pytest.approx([50, 100])
    assert list(images.get_ydata()) == [2, 2]
    assert not counts.patches  # bars say nothing on a logarithmic axis


def test_coverage_ends_at_the_accuracy_of_all(drawn):
    shares = np.arange(1, 2001) / 2000
    accuracies = 1 - shares / 10  # ticks as wide as 100.0
    assert_is_png(figures.accuracy_by_coverage(shares, accuracies))
    (line,) = drawn[0].axes[0].lines
    assert (line.get_xdata()[-1], line.get_ydata()[-1]) == pytest.approx((100, 90))
    assert line.get_ydata() == pytest.approx(100 - line.get_xdata() / 10)


def assert_is_png(png: bytes) -> None:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert all(150 < side < 3000 for side in image.size)
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 24)) > 2
