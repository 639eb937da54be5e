"""Figures by the data in their axes, and by the PNG that comes out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cifar_lab.report import figures
from cifar_lab.report.gallery import Misclassified

ROWS = [
    {
        "epoch": epoch,
        "lr": 0.1 * epoch,
        "train_loss": 2.0 / epoch,
        "train_accuracy": 0.25 * epoch,
        "val_loss": 2.5 / epoch,
        "val_accuracy": 0.2 * epoch,
        "test_loss": 3.0 / epoch,
        "test_accuracy": 0.1 * epoch,
    }
    for epoch in (1, 2, 3)
]


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """The figures that are drawn, in order."""
    made: list[Figure] = []

    class Observed(Figure):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            made.append(self)

    monkeypatch.setattr(figures, "Figure", Observed)
    return made


def test_curves_show_every_split_that_was_evaluated(drawn):
    assert_is_png(figures.curves(ROWS))
    loss, accuracy = drawn[0].axes
    assert lines(loss) == {
        "train": ([1, 2, 3], [2.0, 1.0, 2 / 3]),
        "validation": ([1, 2, 3], [2.5, 1.25, 2.5 / 3]),
        "test": ([1, 2, 3], [3.0, 1.5, 1.0]),
    }
    assert lines(accuracy) == {
        "train": ([1, 2, 3], pytest.approx([25, 50, 75])),
        "validation": ([1, 2, 3], pytest.approx([20, 40, 60])),
        "test": ([1, 2, 3], pytest.approx([10, 20, 30])),
    }
    assert "nats" in loss.get_ylabel()
    assert "%" in accuracy.get_ylabel()
    for axes in (loss, accuracy):
        assert legend(axes) == ["train", "validation", "test"]
        assert axes.get_xlabel() == "epoch"


@pytest.mark.parametrize("missing", [("val",), ("test",), ("val", "test")])
def test_curves_show_no_split_that_was_not_evaluated(drawn, missing):
    rows = [{k: v for k, v in row.items() if k.split("_")[0] not in missing} for row in ROWS]
    figures.curves(rows)
    shown = [figures.SPLIT_NAMES[s] for s in ("train", "val", "test") if s not in missing]
    assert [legend(axes) for axes in drawn[0].axes] == [shown, shown]


def test_a_split_has_the_same_colour_and_marker_in_both_axes(drawn):
    figures.curves(ROWS)
    looks = [[(x.get_color(), x.get_marker()) for x in axes.lines] for axes in drawn[0].axes]
    assert looks[0] == looks[1]
    assert len(set(looks[0])) == 3


def test_a_run_of_one_epoch_has_curves():
    assert_is_png(figures.curves(ROWS[:1]))


def test_epochs_are_marked_by_whole_numbers(drawn):
    figures.curves(ROWS)
    assert all(tick == round(tick) for axes in drawn[0].axes for tick in axes.get_xticks())


def test_learning_rates_lie_at_the_end_of_their_step(drawn):
    planned = [0.1, 0.2, 0.4, 0.2, 0.1, 0.0]
    figures.learning_rate(planned, steps_per_epoch=3, used=[(1, 0.4), (2, 0.0)])
    (axes,) = drawn[0].axes
    plan, used = lines(axes).values()
    assert plan[0] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])
    assert plan[1] == planned
    assert used == ([1, 2], [0.4, 0.0])
    # What was used lies on what was planned.
    assert [np.interp(epoch, *plan) for epoch in used[0]] == pytest.approx(used[1])
    assert axes.get_ylim()[0] == axes.get_xlim()[0] == 0
    assert len(legend(axes)) == 2


def test_a_schedule_without_a_run_shows_only_the_plan(drawn):
    assert_is_png(figures.learning_rate([0.1, 0.2], 1, used=[]))
    assert len(drawn[0].axes[0].lines) == 1


def test_the_gallery_shows_images_in_true_colours_above_their_maps(drawn):
    images, maps, rows = gallery_of(3)
    assert_is_png(figures.gallery(images, maps, rows, ("cat", "dog", "<b>")))
    grid = np.array(drawn[0].axes).reshape(2, 3)
    for column, (picture, overlay) in enumerate(grid.T):
        (shown,) = picture.images
        np.testing.assert_array_equal(shown.get_array(), images[column])
        grey, map_ = overlay.images
        np.testing.assert_allclose(grey.get_array(), images[column].mean(axis=2))
        np.testing.assert_array_equal(map_.get_array(), maps[column])
        # Centred on zero, and stretched over the whole image.
        largest = np.abs(maps[column]).max()
        assert map_.get_clim() == pytest.approx((-largest, largest))
        assert map_.get_extent() == grey.get_extent() == shown.get_extent()


def test_the_gallery_titles_name_classes_and_probabilities(drawn):
    images, maps, rows = gallery_of(3)
    figures.gallery(images, maps, rows, ("cat", "dog", "<b>"))
    titles = [axes.get_title() for axes in drawn[0].axes[:3]]
    assert titles == [
        "dog (90.0%)\ntrue: cat (10.0%)",
        "<b> (80.0%)\ntrue: dog (20.0%)",
        "cat (70.0%)\ntrue: <b> (30.0%)",
    ]


def test_a_map_that_speaks_only_against_the_class_says_so(drawn):
    images, maps, rows = gallery_of(2)
    maps[0] = -np.abs(maps[0]) - 0.1
    maps[1, 0, 0] = 2.5
    figures.gallery(images, maps, rows, ("cat", "dog", "<b>"))
    assert [axes.get_title() for axes in drawn[0].axes[2:]] == ["all negative", "±2.5"]


def test_red_speaks_for_the_class_and_blue_against_it(drawn):
    images, maps, rows = gallery_of(1)
    figures.gallery(images, maps, rows, ("cat", "dog", "<b>"))
    map_ = drawn[0].axes[1].images[1]
    red, _, blue, _ = map_.cmap(map_.norm(np.abs(maps[0]).max()))
    assert red > blue
    red, _, blue, _ = map_.cmap(map_.norm(-np.abs(maps[0]).max()))
    assert blue > red


@pytest.mark.parametrize(("number", "columns", "bands"), [(1, 1, 1), (5, 5, 1), (7, 5, 2)])
def test_the_gallery_has_at_most_five_columns(drawn, number, columns, bands):
    images, maps, rows = gallery_of(number)
    figures.gallery(images, maps, rows, ("cat", "dog", "<b>"))
    grid = np.array(drawn[0].axes).reshape(2 * bands, columns)
    pictures = grid[0::2].ravel()
    assert [len(axes.images) for axes in pictures] == [1] * number + [0] * (
        columns * bands - number
    )
    np.testing.assert_array_equal(pictures[number - 1].images[0].get_array(), images[-1])
    np.testing.assert_array_equal(grid[1::2].ravel()[number - 1].images[1].get_array(), maps[-1])


def test_an_all_zero_map_can_be_drawn():
    images, maps, rows = gallery_of(1)
    assert_is_png(figures.gallery(images, 0 * maps, rows, ("cat", "dog", "<b>")))


def test_samples_are_drawn_row_by_row_with_their_titles(drawn):
    images = list(gallery_of(5)[0])
    assert_is_png(figures.samples(images, ["a", "b", "c", "d", "e"], columns=3))
    axes = drawn[0].axes
    assert [a.get_title() for a in axes] == ["a", "b", "c", "d", "e", ""]
    for place, image in zip(axes, images, strict=False):
        np.testing.assert_array_equal(place.images[0].get_array(), image)
    assert not axes[5].images


@pytest.mark.parametrize("name", [r"$\bill$", "$5"])
def test_a_class_name_between_dollar_signs_is_no_formula(name):
    images, maps, rows = gallery_of(1)
    assert_is_png(figures.gallery(images, maps, rows, (name, name, name)))
    assert_is_png(figures.samples(list(images), [name], columns=2))


def gallery_of(number: int) -> tuple[np.ndarray, np.ndarray, list[Misclassified]]:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (number, 6, 8, 3), dtype=np.uint8)
    maps = generator.normal(size=(number, 3, 4)).astype(np.float32)
    rows = [
        Misclassified(
            row=n,
            label=n % 3,
            predicted=(n + 1) % 3,
            predicted_probability=0.9 - 0.1 * n,
            true_probability=0.1 + 0.1 * n,
        )
        for n in range(number)
    ]
    return images, maps, rows


def lines(axes) -> dict[str, tuple[list[float], list[float]]]:
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
    }


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def assert_is_png(png: bytes) -> None:
    """Large enough to be read, small enough for a page, and not blank."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert all(150 < side < 2000 for side in image.size)
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 24)) > 2
