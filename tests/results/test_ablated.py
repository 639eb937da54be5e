"""What leaving a piece out costs: Dunnett's intervals against the baseline, SciPy's as oracle."""

from __future__ import annotations

import pytest
from scipy.stats import dunnett

from cifar_lab.results.ablated import ablated, told
from tests.results.sweeps import a_board

VALUES = {
    "nothing": [80.0, 80.5, 79.8, 80.2, 80.1, 80.4],
    "crop": [75.0, 75.4, 74.8],
    "flip": [79.9, 80.2, 80.0],
    "cutout": [81.0, 81.9, 81.3],
}


def board(values):
    return a_board(values, key="without", kind="ablation", baseline="nothing")


def test_intervals_are_those_of_scipy():
    found = ablated(board(VALUES))
    result = dunnett(
        *(VALUES[name] for name in ("crop", "flip", "cutout")), control=VALUES["nothing"]
    )
    interval = result.confidence_interval(0.95)
    bounds = zip(interval.low, interval.high, strict=True)
    expected = dict(zip(("crop", "flip", "cutout"), bounds, strict=True))
    for piece in found.pieces:
        assert (piece.low, piece.high) == pytest.approx(expected[piece.name], abs=0.02)


def test_the_pieces_whose_absence_costs_most_come_first():
    found = ablated(board(VALUES))
    assert [piece.name for piece in found.pieces] == ["crop", "flip", "cutout"]
    assert [piece.clear for piece in found.pieces] == [True, False, True]
    assert told(found)[0].startswith("Leaving out crop: −5.10 points (")
    assert told(found)[0].endswith("clearly different.")


def test_one_seed_each_gives_no_interval():
    found = ablated(board({name: values[:1] for name, values in VALUES.items()}))
    assert told(found)[0] == "Leaving out crop: −5.00 points; one seed gives no interval."


def test_without_the_baseline_there_is_nothing_to_compare():
    assert ablated(a_board(VALUES, key="without", kind="ablation", baseline="other")) is None
