"""Charts of training, checked by the data in their axes and by the resulting PNG."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cifar_lab.report.figures import training as figures

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


#: Whole epochs.
ENDS = [1.0, 2.0, 3.0]
REPORTED = "reported: epoch 2"


def test_curves_show_every_split_that_was_evaluated(drawn):
    assert_is_png(figures.curves(ROWS, ENDS, 2))
    loss, accuracy = drawn[0].axes
    assert lines(loss) == {
        REPORTED: ([2, 2], [0, 1]),
        "train": ([1, 2, 3], [2.0, 1.0, 2 / 3]),
        "validation": ([1, 2, 3], [2.5, 1.25, 2.5 / 3]),
        "test": ([1, 2, 3], [3.0, 1.5, 1.0]),
    }
    assert lines(accuracy) == {
        REPORTED: ([2, 2], [0, 1]),
        "train": ([1, 2, 3], pytest.approx([25, 50, 75])),
        "validation": ([1, 2, 3], pytest.approx([20, 40, 60])),
        "test": ([1, 2, 3], pytest.approx([10, 20, 30])),
    }
    assert "nats" in loss.get_ylabel()
    assert "%" in accuracy.get_ylabel()
    assert legend(loss) == [REPORTED, "train", "validation", "test"]
    for axes in (loss, accuracy):
        assert axes.get_xlabel() == "epoch"
    assert accuracy.get_ylim()[1] <= 100


def test_the_legend_covers_no_curve(drawn):
    figures.curves(ROWS, ENDS, 2)
    drawn[0].draw_without_rendering()
    axes = drawn[0].axes[0]
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1 - 1


@pytest.mark.parametrize("missing", [("val",), ("test",), ("val", "test")])
def test_curves_show_no_split_that_was_not_evaluated(drawn, missing):
    rows = [{k: v for k, v in row.items() if k.split("_")[0] not in missing} for row in ROWS]
    figures.curves(rows, ENDS, 2)
    splits = [figures.SPLIT_NAMES[s] for s in ("train", "val", "test") if s not in missing]
    shown = [REPORTED, *splits]
    assert legend(drawn[0].axes[0]) == shown


def test_a_split_has_the_same_colour_and_marker_in_both_axes(drawn):
    figures.curves(ROWS, ENDS, 2)
    looks = [[(x.get_color(), x.get_marker()) for x in axes.lines] for axes in drawn[0].axes]
    assert looks[0] == looks[1]
    assert len(set(looks[0])) == 4


def test_epochs_that_were_cut_short_lie_where_they_ended(drawn):
    figures.curves(ROWS, [0.25, 1.25, 2.25], 3)
    for axes in drawn[0].axes:
        assert lines(axes)["validation"][0] == [0.25, 1.25, 2.25]
        assert lines(axes)["reported: epoch 3"][0] == [2.25, 2.25]


def test_a_column_of_a_hook_has_a_panel_of_its_own(drawn):
    nan = float("nan")
    given = [{"norm": 3.0, "b": nan}, {"norm": 2.0, "b": 5.0, "late": 1.0}, {"norm": nan, "b": 6.0}]
    rows = [row | more for row, more in zip(ROWS, given, strict=True)]
    assert_is_png(figures.columns(rows, ["norm", "b", "late"], ENDS, 2))
    panels = drawn[0].axes
    assert [axes.get_ylabel() for axes in panels] == ["norm", "b", "late"]
    for axes, values in zip(panels, ([3, 2, nan], [nan, 5, 6], [nan, 1, nan]), strict=True):
        reported, line = axes.lines
        assert list(reported.get_xdata()) == [2, 2]
        assert list(line.get_xdata()) == ENDS
        np.testing.assert_array_equal(line.get_ydata(), values)
    assert not any(a.get_window_extent().overlaps(b.get_window_extent())
                   for a, b in [(panels[0], panels[1]), (panels[0], panels[2])])  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 12])
def test_any_number_of_columns_is_drawn_and_all_nan_as_well(count):
    names = [f"c{n}" * 20 for n in range(count)]
    rows = [row | {names[0]: float("nan")} for row in ROWS]
    assert figures.columns(rows, names, ENDS, 2).startswith(b"\x89PNG")


def test_a_run_of_one_epoch_has_curves():
    assert_is_png(figures.curves(ROWS[:1], ENDS[:1], 1))


def test_epochs_are_marked_by_whole_numbers(drawn):
    figures.curves(ROWS, ENDS, 2)
    assert all(tick == round(tick) for axes in drawn[0].axes for tick in axes.get_xticks())


def test_learning_rates_lie_at_the_end_of_their_step(drawn):
    planned = [0.1, 0.2, 0.4, 0.2, 0.1, 0.0]
    figures.learning_rate(planned, steps_per_epoch=3, used=[(1, 0.4), (2, 0.0)])
    (axes,) = drawn[0].axes
    plan, used = lines(axes).values()
    assert plan[0] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])
    assert plan[1] == planned
    assert used == ([1, 2], [0.4, 0.0])
    # The recorded values lie on the plan.
    assert [np.interp(epoch, *plan) for epoch in used[0]] == pytest.approx(used[1])
    assert axes.get_ylim()[0] == axes.get_xlim()[0] == 0
    assert len(legend(axes)) == 2


def test_a_schedule_without_a_run_shows_only_the_plan(drawn):
    assert_is_png(figures.learning_rate([0.1, 0.2], 1, used=[]))
    assert len(drawn[0].axes[0].lines) == 1


def lines(axes) -> dict[str, tuple[list[float], list[float]]]:
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
    }


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def assert_is_png(png: bytes) -> None:
    """Check that a picture is large enough to read, small enough for a page, and not blank."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert all(150 < side < 2000 for side in image.size)
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 24)) > 2
