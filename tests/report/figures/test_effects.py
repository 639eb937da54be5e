"""Charts of settings, checked by the data in their axes."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from cifar_lab.report.figures import effects as figures
from tests.report.figures.lettered import overlaps, words

NAN = math.nan


@dataclass(frozen=True)
class Level:
    value: str
    mean: float
    low: float = NAN
    high: float = NAN


@dataclass(frozen=True)
class Factor:
    key: str
    levels: tuple[Level, ...]
    balanced: bool = True


LR = Factor("lr", (Level("1", 91, 90, 91.5), Level("0.01", 92, 91, 94), Level("0.1", 93)))
MODEL = Factor("model", (Level("b", 90, 89, 91), Level("a", 95, 94, 96)), balanced=False)


def test_numbers_lie_in_numeric_order_and_words_as_given_on_one_vertical_axis(drawn):
    assert figures.effects([LR, MODEL]).startswith(b"\x89PNG")
    lr, model = drawn[0].axes
    assert names(lr.xaxis) == ["0.01", "0.1", "1"]
    assert points(lr) == [92, 93, 91]
    assert names(model.xaxis) == ["b", "a"]
    assert points(model) == [90, 95]
    assert lr.get_ylim() == model.get_ylim()
    assert (lr.get_title(), model.get_title()) == ("lr", "model")
    assert lr.get_ylabel() == "validation accuracy (%)"


def test_intervals_have_their_ends_and_a_mean_without_one_is_a_point(drawn):
    figures.effects([LR])
    (bars,) = drawn[0].axes[0].containers[0].lines[2]
    ends = {segment[0, 0]: segment[:, 1].tolist() for segment in bars.get_segments()}
    assert ends == {0: [91, 94], 2: [90, 91.5]}


def test_means_that_may_reflect_other_settings_are_hollow_and_it_is_said(drawn):
    figures.effects([LR, MODEL])
    fillings = [axes.lines[-1].get_markerfacecolor() for axes in drawn[0].axes]
    assert fillings == [figures.BLUE, "white"]
    assert sum("Hollow: not every value" in word for word in words(drawn[0])) == 1
    figures.effects([LR])
    assert not any("Hollow: not every value" in word for word in words(drawn[1]))


def test_only_numbers_are_joined_by_a_line(drawn):
    figures.effects([LR, MODEL])
    joined = [[line.get_linestyle() for line in axes.lines].count("-") for axes in drawn[0].axes]
    assert joined == [1, 0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("k", "1"),
        ("augmentation.train.color_jitter.brightness", "wide_resnet_28_10"),
        ("$x$" * 40, "v" * 80),
    ],
)
@pytest.mark.parametrize(("factors", "levels"), [(1, 1), (7, 3), (2, 20), (1, 60)])
def test_no_text_covers_another_whatever_the_names(drawn, key, value, factors, levels):
    made = Factor(key, tuple(Level(f"{value}{n}", 90 + n % 3) for n in range(levels)))
    figures.effects([made] * factors)
    assert len(drawn[0].axes) == factors
    assert overlaps(drawn[0]) == []


def test_equal_and_missing_means_have_an_axis(drawn):
    figures.effects([Factor("k", (Level("a", 93.0), Level("b", 93.0 + 1e-9), Level("c", NAN)))])
    low, high = drawn[0].axes[0].get_ylim()
    assert high - low >= 0.19
    assert low < 93 < high


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
        figures.effects([LR]),
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
