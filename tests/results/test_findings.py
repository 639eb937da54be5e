"""What is concluded from a sweep, and what is said not to be."""

from __future__ import annotations

from cifar_lab.results.findings import findings
from tests.results.sweeps import a_board


def told(board):
    return " ".join(findings(board))


def test_the_best_and_what_is_within_noise_of_it_are_named():
    text = told(a_board({"16": [80.0, 80.2, 80.1], "32": [90.0, 91.0, 90.5]}))
    assert "The best by validation is width=32: 90.50 ± 0.50 % (n=3). No other is within" in text


def test_a_single_seed_gives_no_mark_and_says_why():
    text = told(a_board({"16": [80.0], "32": [90.0]}))
    assert "cannot be said, as each configuration ran with a single seed" in text


def test_the_smallest_difference_that_could_be_seen_is_that_of_the_deviation():
    # Deviations of .19 points and three seeds: .58 points with 80 % power, by noncentral t.
    values = [80.0, 80.19, 80.38]  # standard deviation .19
    text = told(a_board({"a": values, "b": [v + 0.1 for v in values]}))
    assert "deviate by 0.19 points. With 3 seeds each, a difference of 0.58 points" in text


def test_the_best_at_the_edge_of_a_range_is_told_and_inside_is_not():
    rising = {"0.1": [70.0, 70.1], "0.2": [80.0, 80.1], "0.4": [90.0, 90.1]}
    assert "at the edge of the range of lr: 0.4 is the largest value" in told(
        a_board(rising, key="lr")
    )
    inside = {"0.1": [70.0, 70.1], "0.2": [90.0, 90.1], "0.4": [80.0, 80.1]}
    assert "edge" not in told(a_board(inside, key="lr"))
    two = {"0.1": [70.0, 70.1], "0.2": [90.0, 90.1]}
    assert "edge" not in told(a_board(two, key="lr"))


def test_how_flattering_the_best_of_several_is_is_told():
    # s = 1 point, n = 1 would be 1.16 points for five (expected maximum of standard normals).
    values = {str(n): [80.0 + n / 100, 82.0 + n / 100] for n in range(5)}
    # s = √2, n = 2: √2 / √2 · 1.163 = 1.16
    assert "The best of 5 is expected to look up to 1.16 points better" in told(a_board(values))
