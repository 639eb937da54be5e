"""Comparisons of configurations, checked by the data in their axes and by their pixels."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from cifar_lab.report.figures import comparison as figures
from cifar_lab.report.figures.colour_scale import round_end, ticks
from cifar_lab.report.figures.image_grid import greyed, overlay
from tests.report.figures.lettered import overlaps, words

NAN = math.nan


def test_points_lie_at_their_cost_and_the_pareto_set_is_joined_by_steps(drawn):
    figures.accuracy_and_cost(
        ["a", "b", "c"], [93.0, 90.0, 91.0], None, [30.0, 20.0, 10.0], "cost", [True, False, True]
    )
    (axes,) = drawn[0].axes
    step, *points = axes.lines
    assert (list(step.get_xdata()), list(step.get_ydata())) == ([10, 30], [91, 93])
    assert step.get_drawstyle() == "steps-post"
    assert [(p.get_xdata()[0], p.get_ydata()[0]) for p in points] == [(30, 93), (20, 90), (10, 91)]
    hollow = [point.get_markerfacecolor() == "white" for point in points]
    assert hollow == [False, True, False]
    assert legend(drawn[0]) == ["a", "b", "c", "Pareto set (filled)"]
    assert axes.get_xlabel() == "cost"


@pytest.mark.parametrize(
    ("costs", "scale"), [([1, 10], "linear"), ([1, 11], "log"), ([0, 100], "linear")]
)
def test_costs_that_span_more_than_ten_times_have_a_logarithmic_axis(drawn, costs, scale):
    figures.accuracy_and_cost(["a", "b"], [90, 91], None, costs, "cost", [True, True])
    assert drawn[0].axes[0].get_xscale() == scale


def test_deviations_are_bars_where_there_are_any(drawn):
    figures.accuracy_and_cost(["a", "b"], [90, 92], [0.5, NAN], [1, 2], "cost", [True, True])
    (axes,) = drawn[0].axes
    (container,) = axes.containers
    assert container.lines[2][0].get_segments()[0][:, 1].tolist() == [89.5, 90.5]
    assert "sd" in axes.get_ylabel()
    figures.accuracy_and_cost(["a"], [90], None, [1], "cost", [True])
    assert "sd" not in drawn[1].axes[0].get_ylabel()


def test_of_many_only_the_pareto_set_is_named(drawn):
    costs, pareto = list(range(1, 31)), [n % 10 == 0 for n in range(30)]
    figures.accuracy_and_cost([f"c{n}" for n in costs], costs, None, costs, "cost", pareto)
    assert legend(drawn[0]) == ["c1", "c11", "c21", "Pareto set (filled)", "the other 27"]
    assert len(drawn[0].axes[0].lines) == 31
    figures.accuracy_and_cost([f"c{n}" for n in costs], costs, None, costs, "cost", [True] * 30)
    assert legend(drawn[1])[:-2] == [f"c{n}" for n in range(19, 31)]


def test_what_has_no_cost_or_no_accuracy_is_left_out(drawn):
    figures.accuracy_and_cost(
        ["a", "b", "c"], [NAN, 90, 91], None, [1, NAN, 2], "cost", [True, True, True]
    )
    assert legend(drawn[0]) == ["c", "Pareto set (filled)"]
    figures.accuracy_and_cost(["a"], [NAN], None, [NAN], "cost", [False])
    assert drawn[1].legends == []


@pytest.mark.parametrize("name", ["a", "$x$", "n" * 80])
@pytest.mark.parametrize(("count", "cost"), [(1, 0.0), (12, 1.1e7), (30, 1e-4)])
def test_no_text_of_the_costs_covers_another(drawn, name, count, cost):
    costs = [cost * (1 + n / 100) for n in range(count)]
    names, deviations = [f"{name}{n}" for n in range(count)], [0.0] * count
    pareto = [n == 0 for n in range(count)]
    figures.accuracy_and_cost(names, [93.0] * count, deviations, costs, "cost", pareto)
    assert overlaps(drawn[0]) == []


DIFFERENCES = np.array([[1.5, -2.0, 0.0], [0.5, NAN, 3.0]])


def test_each_panel_has_a_bar_per_class_on_one_scale(drawn):
    figures.class_differences(["cat", "dog", "frog"], DIFFERENCES, ["a", "b"])
    panels = drawn[0].axes
    assert [axes.get_title() for axes in panels] == ["a", "b"]
    widths = [[bar.get_width() for bar in axes.patches] for axes in panels]
    assert widths == [[1.5, -2, 0], [0.5, 0, 3]]
    assert panels[0].get_xlim() == panels[1].get_xlim()
    assert [text.get_text() for text in panels[0].get_yticklabels()] == ["cat", "dog", "frog"]
    assert panels[0].get_ylim()[0] > panels[0].get_ylim()[1]
    assert [text.get_text().strip() for text in panels[1].texts] == ["no value"]


def test_gains_and_losses_have_different_colours(drawn):
    figures.class_differences(["cat", "dog", "frog"], DIFFERENCES, ["a", "b"])
    gain, loss, _ = drawn[0].axes[0].patches
    assert gain.get_facecolor() != loss.get_facecolor()


def test_of_many_classes_those_that_change_most_are_drawn_and_it_is_said(drawn):
    differences = np.zeros((2, 40))
    differences[0, 10:34] = -1.0
    differences[1, 39] = 0.5
    figures.class_differences([f"c{n}" for n in range(40)], differences, ["a", "b"])
    shown = [text.get_text() for text in drawn[0].axes[0].get_yticklabels()]
    assert shown == [f"c{n}" for n in [*range(10, 34), 39]]
    assert "Not shown: 15 classes that change less than these 25." in words(drawn[0])


def test_of_many_configurations_the_best_eight_are_drawn_and_it_is_said(drawn):
    differences = np.arange(13.0)[:, None] + np.zeros((13, 2))
    figures.class_differences(["cat", "dog"], differences, [f"c{n}" for n in range(13)])
    titles = [axes.get_title() for axes in drawn[0].axes]
    assert titles == [f"c{n}" for n in range(5, 13)]
    assert "Not shown: 5 configurations with a lower mean than these 8." in words(drawn[0])


@pytest.mark.parametrize("name", ["a", "$x$", "optimizer.lr=0.1," * 5])
@pytest.mark.parametrize(
    ("configurations", "classes", "scale"),
    [
        (1, 1, 0.0),
        (1, 10, 60.0),
        (2, 10, 0.0),
        (2, 3, 60.0),
        (3, 10, 60.0),
        (5, 3, 0.0),
        (12, 30, 1.0),
    ],
)
def test_no_text_of_the_classes_covers_another(drawn, name, configurations, classes, scale):
    differences = scale * np.random.default_rng(0).uniform(-1, 1, (configurations, classes))
    names = [f"{name}{n}" for n in range(configurations)]
    figures.class_differences([f"{name}{n}" for n in range(classes)], differences, names)
    assert overlaps(drawn[0]) == []


def test_images_stand_above_the_maps_of_both_runs_on_one_scale(titles):
    images, first, second = made(3)
    pixels = decoded(
        figures.flipped_images(images, [["true: cat", "a: dog", "b: $x$"]] * 3, first, second)
    )
    largest = round_end(float(max(np.abs(first).max(), np.abs(second).max())))
    assert titles.count("true: cat\na: dog\nb: $x$") == 3
    assert titles.count("first run") == titles.count("second run") == 3
    assert titles.count(ticks(largest)[-1][1]) == titles.count("logits per cell") == 2
    top = 16
    for lines, band in (
        (3, [image.repeat(32, 0).repeat(32, 1) for image in images]),
        (1, [overlay(i, m, largest, 256) for i, m in zip(images, first, strict=True)]),
        (1, [overlay(i, m, largest, 256) for i, m in zip(images, second, strict=True)]),
    ):
        top += 24 * lines
        for column, expected in enumerate(band):
            left = 16 + column * (256 + 16)
            found = pixels[top : top + expected.shape[0], left : left + expected.shape[1]]
            np.testing.assert_array_equal(found, expected)
        top += 256 + 16


def test_a_map_that_is_not_finite_has_no_colours_and_no_say_in_the_scale(titles):
    images, first, second = made(2)
    second[0, 0, 0], second[0, 0, 1] = NAN, 1000
    pixels = decoded(figures.flipped_images(images, [["a"]] * 2, first, second))
    largest = round_end(max(np.abs(first).max(), np.abs(second[1]).max()))
    assert titles.count(ticks(largest)[-1][1]) == 2
    assert "no map" in titles
    top = 16 + 3 * 24 + 2 * (256 + 16)
    grey = greyed(images[0]).repeat(32, 0).repeat(32, 1)[:40]
    np.testing.assert_array_equal(pixels[top : top + 40, 16 : 16 + 256], grey)


@pytest.mark.parametrize(
    ("maps", "bands"), [((True, True), 3), ((True, False), 2), ((False,) * 2, 1)]
)
def test_runs_without_maps_have_no_row(titles, maps, bands):
    images, *both = made(7)
    first, second = (each if there else None for each, there in zip(both, maps, strict=True))
    pixels = decoded(figures.flipped_images(images, [["a", "b"]] * 7, first, second))
    assert len(pixels) == 2 * (bands * (256 + 16) + 24 * (2 + bands - 1)) + 16
    assert ("second run" in titles) == maps[1]


def made(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)
    first = generator.normal(size=(count, 3, 4)).astype(np.float32)
    return images, first, generator.normal(size=(count, 6, 8)).astype(np.float32)


def decoded(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]
