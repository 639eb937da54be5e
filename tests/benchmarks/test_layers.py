"""Tests the table of convolutions on logs whose rates are known."""

from __future__ import annotations

import pytest

from benchmarks.cases import layers
from benchmarks.onednn import DATA, FORWARD, WEIGHTS, Convolution, Executed

#: With 10 images: 2 · 10 · 8 · 4 · 9 · 64 = 368,640 operations in each direction.
SIZE = Convolution(4, 8, (3, 3), (1, 1), (8, 8), (8, 8))
OPERATIONS = 368_640


def logged(direction, seconds, size=SIZE, images=10):
    return Executed("convolution", direction, size, images, seconds)


def steps(lines, **named):
    """Two steps of 10 images in a second, beside a matrix rate of 36.864 MFLOP/s."""
    given = {"images": 10, "number": 2, "seconds": 1.0, "rate": 36_864_000, "reordering": 0.25}
    return layers.Steps(**{**given, **named}, layers=layers.by_layer(lines, 10))


LINES = [
    logged(FORWARD, 0.01),
    logged(FORWARD, 0.03),
    logged(WEIGHTS, 0.08),
    logged(WEIGHTS, 0.08),
    logged(FORWARD, 9.0, images=1),  # not of these steps
    logged("forward_inference", 9.0),
]


def test_rates_and_shares_of_a_convolution():
    row = steps(LINES).row(SIZE)
    assert row == {
        "forward, GFLOP/s": pytest.approx(OPERATIONS * 2 / 0.04 / 1e9),
        "forward / matrix rate": pytest.approx(0.5),
        "data gradient, GFLOP/s": None,
        "data gradient / matrix rate": None,
        "weight gradient, GFLOP/s": pytest.approx(OPERATIONS * 2 / 0.16 / 1e9),
        "weight gradient / matrix rate": pytest.approx(0.125),
        "share of the step's time": pytest.approx(0.2),
    }


def test_the_value_is_the_rate_of_all_convolutions_and_the_notes_bound_the_step():
    result = layers.result_of(steps(LINES), {SIZE: 1})
    assert result.value == pytest.approx(OPERATIONS * 4 / 0.2 / 36_864_000)
    assert result.notes == [
        "matrix rate 0 GFLOP/s; 20.0 images/s, 100.0 if everything but convolutions were free",
        "convolutions take 20% of a step, conversions between memory formats 25%",
    ]
    assert list(result.series) == ["4→8, 3×3, 8×8 pixels (1 in a step)"]


def test_a_convolution_that_the_log_lacks_is_named():
    other = Convolution(8, 8, (1, 1), (2, 2), (8, 8), (4, 4), groups=2)
    result = layers.result_of(steps([*LINES, logged(DATA, 0.1)]), {SIZE: 2, other: 1})
    assert result.notes[-1] == (
        "not, or not always, in oneDNN's log: 4→8, 3×3, 8×8 pixels; "
        "8→8, 1×1, stride 2×2, 2 groups, 8×8 pixels"
    )


def test_a_log_without_convolutions_has_no_value():
    assert layers.result_of(steps([]), {SIZE: 1}).value is None


@pytest.mark.slow
def test_a_network_is_logged(quick):
    result = layers.run(quick, "custom_resnet", "float32")
    assert result.value > 0
    assert result.notes[0].startswith("matrix rate ")
    assert not any("not always" in note for note in result.notes)
