"""Charts of settings, checked by the data in their axes."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from cifar_lab.report.figures import effects as figures
from tests.report.figures.lettered import overlaps, words

NAN = math.nan


MEANS = np.array([[91.0, 92.5, NAN], [93.126, 90.0, 92.0]])
COUNTS = np.array([[2, 3, 0], [3, 3, 3]])


def test_cells_have_their_mean_and_the_number_of_runs_where_it_differs(drawn):
    figures.heat_map("lr", "decay", ["1", "2"], ["a", "b", "c"], MEANS, COUNTS)
    cells = cells_of(drawn[0].axes[0])
    assert cells[0, 0] == "91.00\nn = 2"
    assert cells[1, 0] == "93.13\nn = 3"
    assert cells[0, 2] == "–"
    figures.heat_map("lr", "decay", ["1", "2"], ["a", "b", "c"], MEANS, np.where(COUNTS, 3, 0))
    assert cells_of(drawn[1].axes[0])[0, 0] == "91.00"


def test_rows_go_down_and_the_best_cell_is_outlined(drawn):
    figures.heat_map("lr", "decay", ["1", "2"], ["a", "b", "c"], MEANS, COUNTS)
    axes, bar = drawn[0].axes
    assert (names(axes.yaxis), names(axes.xaxis)) == (["1", "2"], ["a", "b", "c"])
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("lr", "decay")
    assert bar.get_ylabel() == "validation accuracy (%)"
    assert {patch.get_xy() for patch in axes.patches} == {(-0.5, 0.5)}
    np.testing.assert_array_equal(axes.images[0].get_array().filled(NAN), MEANS)


def test_shades_get_darker_with_the_value_also_in_grey():
    grey = figures.SHADES(np.linspace(0, 1, 50))[:, :3] @ (0.299, 0.587, 0.114)
    assert (np.diff(grey) < 0).all()


def test_words_in_cells_stand_out_from_every_shade(drawn):
    means = np.linspace(80, 95, 15).reshape(5, 3)
    figures.heat_map("a", "b", list("12345"), list("123"), means, np.ones((5, 3), int))
    axes = drawn[0].axes[0]
    for text in axes.texts:
        column, row = map(int, text.get_position())
        cell = figures.SHADES((means[row, column] - 80) / 15)
        assert contrast(to_rgba(text.get_color()), cell) >= 4.5  # WCAG 2.1, level AA


@pytest.mark.parametrize("name", ["k", "$x$", "n" * 80])
@pytest.mark.parametrize("shape", [(1, 1), (12, 2), (3, 40)])
def test_no_text_of_a_heat_map_covers_another(drawn, name, shape):
    rows, columns = ([f"{name}{n}" for n in range(count)] for count in shape)
    means = 90 + np.arange(math.prod(shape), dtype=float).reshape(shape)
    figures.heat_map(name, name, rows, columns, means, np.arange(math.prod(shape)).reshape(shape))
    assert overlaps(drawn[0]) == []
    assert drawn[0].get_size_inches()[0] <= 9.01


def test_a_heat_map_without_values_or_of_equal_ones_can_be_drawn(drawn):
    figures.heat_map("a", "b", ["x"], ["y"], np.full((1, 1), NAN), np.zeros((1, 1), int))
    assert drawn[0].axes[0].patches[:] == []
    figures.heat_map("a", "b", ["x"], ["y", "z"], np.full((1, 2), 93.0), np.ones((1, 2), int))
    assert drawn[1].axes[0].images[0].get_clim() == (92.5, 93.5)


KEYS = ["lr", "model"]
ROWS = [["0.01", "a"], ["1", "b"], ["0.1", "a"]]


def test_lines_go_through_their_values_and_end_at_their_accuracy(drawn):
    figures.parallel_coordinates(KEYS, ROWS, [90.0, 94.0, 91.0])
    assert {tuple(np.round(line, 6)) for line in lines(drawn[0])} == {
        (0, 0, 0), (1, 1, 1), (0.5, 0, 0.25),
    }  # fmt: skip


def test_the_best_line_is_thick_in_front_and_its_accuracy_is_told(drawn):
    figures.parallel_coordinates(KEYS, ROWS, [90.0, 94.128, 91.0])
    through = [line for line in drawn[0].axes[0].lines if len(line.get_ydata()) == 3]
    assert through[-1].get_ydata().tolist() == [1, 1, 1]
    assert through[-1].get_linewidth() > 2 * through[0].get_linewidth()
    assert "Thick: the best configuration, 94.13." in words(drawn[0])


def test_a_line_is_darker_the_higher_its_accuracy_and_without_one_dotted(drawn):
    figures.parallel_coordinates(KEYS, ROWS, [90.0, NAN, 91.0])
    thin = [x for x in drawn[0].axes[0].lines if len(x.get_ydata()) == 3 and x.get_lw() < 3]
    assert [line.get_linestyle() for line in thin] == [":", "-", "-"]
    assert np.isnan(thin[0].get_ydata()[-1])
    assert sum(to_rgba(thin[1].get_color())[:3]) > sum(to_rgba(thin[2].get_color())[:3])
    assert any("Dotted: no accuracy." in word for word in words(drawn[0]))


@pytest.mark.parametrize("accuracy", [[NAN] * 3, [93.0] * 3])
def test_missing_and_equal_accuracies_can_be_drawn(drawn, accuracy):
    figures.parallel_coordinates(KEYS, ROWS, accuracy)
    assert len({tuple(line) for line in lines(drawn[0])}) == 3
    assert any("Thick" in word for word in words(drawn[0])) == math.isfinite(accuracy[0])


@pytest.mark.parametrize("count", [1, 4, 10])
@pytest.mark.parametrize("name", ["lr", "augmentation.train.color_jitter.brightness", "$x$" * 30])
def test_no_text_of_the_axes_covers_another(drawn, count, name):
    rows = [[f"{name}{(n * k) % 5}" for k in range(count)] for n in range(8)]
    figures.parallel_coordinates([f"{name}{k}" for k in range(count)], rows, list(range(8)))
    assert overlaps(drawn[0]) == []
    assert "validation accuracy (%)" in words(drawn[0])


def test_the_figures_are_legible_and_not_blank():
    for png in (
        figures.heat_map("lr", "decay", ["1", "2"], ["a", "b", "c"], MEANS, COUNTS),
        figures.parallel_coordinates(KEYS, ROWS, [1.0, 2.0, 3.0]),
    ):
        with Image.open(io.BytesIO(png)) as image:
            assert 600 < image.width < 1400
            assert len(image.convert("RGB").getcolors(1 << 24)) > 10


def names(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def points(axes) -> list[float]:
    return axes.lines[-1].get_ydata().tolist()


def cells_of(axes) -> dict[tuple[int, int], str]:
    return {text.get_position()[::-1]: text.get_text() for text in axes.texts}


def lines(figure) -> list[list[float]]:
    return [x.get_ydata().tolist() for x in figure.axes[0].lines if len(x.get_ydata()) == 3]


def contrast(one, other) -> float:
    """Contrast ratio of two colours (WCAG 2.1)."""
    lights = []
    for colour in (one, other):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)
