"""Which maps are too weak for colours, on sums worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.explain.strength import strengths


def maps_of(*sums: float) -> np.ndarray:
    """Maps of 2×2 cells with the given sums of magnitudes, half of it negative."""
    cells = np.array([[1.0, -1.0], [-1.0, 1.0]], np.float32) / 4
    return np.stack([np.float32(total) * cells for total in sums])


def logits(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_a_map_needs_a_twentieth_of_what_it_explains():
    # 0.1 of 2 is exactly 5 %; the sign of the logit does not matter.
    found = strengths(maps_of(0.11, 0.09, 0.09, 4.0), logits(2.0, 2.0, -2.0, 2.0))
    assert [each.negligible for each in found] == [False, True, True, False]
    assert [each.note for each in found] == [
        "",
        "no colour: the map sums to 4.5 % of |logit − bias|",
        "no colour: the map sums to 4.5 % of |logit − bias|",
        "",
    ]


def test_rounding_errors_are_not_shown_as_if_they_were_evidence():
    (found,) = strengths(maps_of(64e-4 * 0.1), logits(2.3))
    assert found.note == "no colour: the map sums to less than 0.1 % of |logit − bias|"


def test_gradcam_is_measured_against_hirescam():
    # GradCAM's 0.2 is 10 % of the logit in every row: what counts is HiResCAM's sum.
    found = strengths(maps_of(0.2, 0.2, 0.2), logits(2, 2, 2), maps_of(3.0, 5.0, 0.05))
    assert [each.note for each in found] == [
        "",
        "no colour: the map sums to 4.0 % of HiResCAM's",
        "no colour: HiResCAM sums to 2.5 % of |logit − bias|",
    ]


@pytest.mark.parametrize(("total", "negligible"), [(0.0, True), (1e-6, False)])
def test_of_nothing_anything_is_more(total, negligible):
    (found,) = strengths(maps_of(total), logits(0.0))
    assert found.negligible is negligible


def test_a_map_that_is_not_finite_has_no_colours():
    maps = maps_of(1.0, 1.0, 1.0)
    maps[1, 0, 0] = np.nan
    found = strengths(maps, logits(2.0, 2.0, np.nan))
    assert [each.note for each in found] == ["", *["no colour: the map is not finite"] * 2]
