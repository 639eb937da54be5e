"""Figures by the data in their axes, and by the PNG that comes out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cifar_lab.report import figures
from cifar_lab.report.gallery import Misclassified
from cifar_lab.report.sheet import overlay

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
    as_png = figures._png
    monkeypatch.setattr(figures, "_png", lambda figure: made.append(figure) or as_png(figure))
    return made


@pytest.fixture
def titles(monkeypatch) -> list[str]:
    """What is written above pictures, in order."""
    written: list[str] = []
    text = Figure.text

    def observed(figure, x, y, title, **settings):
        written.append(title)
        return text(figure, x, y, title, **settings)

    monkeypatch.setattr(Figure, "text", observed)
    return written


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
    pixels = decoded(figures.gallery(images, maps, rows, ("cat", "dog", "<b>")))
    for column, (image, map_) in enumerate(zip(images, maps, strict=True)):
        assert_shown(pixels, image.repeat(32, 0).repeat(32, 1), band=0, column=column)
        shown = overlay(image, map_, np.abs(map_).max(), side=256)
        assert_shown(pixels, shown, band=1, column=column)


def test_the_gallery_titles_name_classes_probabilities_and_scales(titles):
    images, maps, rows = gallery_of(3)
    maps[0] = -np.abs(maps[0]) - 0.1
    maps[1] /= np.abs(maps[1]).max() / 2.5
    maps[2] = 0
    figures.gallery(images, maps, rows, ("cat", "dog", "<b>"))
    assert titles == [
        "dog (90.0%)\ntrue: cat (10.0%)",
        "<b> (80.0%)\ntrue: dog (20.0%)",
        "cat (70.0%)\ntrue: <b> (30.0%)",
        "all negative",
        "±2.5",
        "nothing attributed",
    ]


@pytest.mark.parametrize(("number", "columns", "bands"), [(1, 1, 1), (5, 5, 1), (7, 5, 2)])
def test_the_gallery_has_at_most_five_columns(number, columns, bands):
    images, maps, rows = gallery_of(number)
    pixels = decoded(figures.gallery(images, maps, rows, ("cat", "dog", "<b>")))
    assert pixels.shape[1] == columns * (256 + 16) + 16
    assert pixels.shape[0] == bands * (48 + 24 + 2 * (256 + 16)) + 16


def test_samples_are_drawn_row_by_row_with_their_titles(titles):
    images = list(gallery_of(5)[0])
    pixels = decoded(figures.samples(images, ["a", "b", "c", "d", "e"], columns=3))
    assert titles == ["a", "b", "c", "d", "e"]
    last = images[4].repeat(18, 0).repeat(18, 1)
    top, left = 16 + 24 + (144 + 16) + 24, 16 + 160
    np.testing.assert_array_equal(pixels[top : top + 108, left : left + 144], last)


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


def decoded(png: bytes) -> np.ndarray:
    assert_is_png(png)
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def assert_shown(pixels: np.ndarray, picture: np.ndarray, band: int, column: int) -> None:
    """Pictures lie below two lines of titles, maps below one."""
    top = 16 + 48 + band * (256 + 16 + 24)
    left = 16 + column * (256 + 16)
    height, width = picture.shape[:2]
    np.testing.assert_array_equal(pixels[top : top + height, left : left + width], picture)


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
