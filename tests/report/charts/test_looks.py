"""Looks of several configurations in a chart of the page."""

from __future__ import annotations

import math

from cifar_lab.report.charts.looks import BEST, NAMED, best, look


def test_a_dozen_looks_are_told_apart_without_their_colours():
    found = [look(place) for place in range(NAMED)]
    assert len({(each.marker, each.dash) for each in found}) == NAMED
    assert len({each.colour for each in found}) == 7


def test_up_to_a_dozen_all_have_a_look_and_beyond_that_the_eight_highest():
    assert best([3.0, math.nan, 1.0]) == [0, 1, 2]
    assert best([1.0] * NAMED) == list(range(NAMED))
    values = [float(n % 13) for n in range(13)] + [math.nan, 12.5]
    assert best(values) == [6, 7, 8, 9, 10, 11, 12, 14]
    assert len(best(values)) == BEST
