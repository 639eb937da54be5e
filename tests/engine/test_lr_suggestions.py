"""Suggestions compared with torch-lr-finder and with a search over all subsequences."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from cifar_lab.engine.lr_suggestions import (
    _falling,
    at_edge,
    minimum_over_ten,
    spread,
    steepest,
    suggestions,
    valley,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # tqdm warns about notebooks
    import torch_lr_finder


def rates(count: int) -> list[float]:
    return [10 ** (-5 + 6 * step / 100) for step in range(count)]


def noisy(count: int, seed: int) -> list[float]:
    """Falls to its minimum at about two thirds and rises again, with noise."""
    generator = np.random.default_rng(seed)
    where = np.linspace(0, 1, count)
    return (2 + 4 * (where - 0.67) ** 2 + generator.normal(0, 0.02, count)).tolist()


@pytest.mark.parametrize("count", [30, 57, 100, 400])
@pytest.mark.parametrize("seed", range(5))
def test_steepest_descent_is_what_torch_lr_finder_suggests(count, seed, capsys):
    """On the curve up to its minimum plus the five steps that it ignores at the end."""
    losses = noisy(count, seed)
    end = int(np.argmin(losses)) + 1 + 5
    theirs = object.__new__(torch_lr_finder.LRFinder)
    theirs.history = {"lr": rates(count)[:end], "loss": losses[:end]}
    _, expected = theirs.plot(ax=Figure().subplots())
    assert steepest(rates(count), losses) == expected


@pytest.mark.parametrize("rule", [steepest, valley])
def test_a_descent_after_the_loss_has_risen_is_not_suggested(rule):
    """As for a network without warm-up, whose loss jumps, falls from there, and jumps again."""
    losses = [*np.linspace(3, 2, 40), *np.linspace(2, 60, 20), *np.linspace(60, 9, 30)]
    assert rule(rates(90), losses) < rates(90)[40]


@pytest.mark.parametrize("rule", ["steepest", "valley"])
@pytest.mark.parametrize(("falls_at", "edge"), [(10, "lower"), (13, None), (60, None), (92, None)])
def test_a_suggestion_is_at_an_end_where_rules_consider_no_further_step(rule, falls_at, edge):
    """Of 100 steps the first 10 and the last 5 are ignored; the loss falls between two steps."""
    losses = [2.0] * falls_at + [1.0] * (100 - falls_at)
    losses[falls_at] = 1.5
    assert at_edge(rule, rates(100), losses, whole=True) == edge


def test_the_upper_end_counts_only_if_the_test_reached_it():
    losses = [2.0] * 94 + [1.0, 0.5, 0.4, 0.3, 0.2, 0.1]
    assert steepest(rates(100), losses) == rates(100)[94]
    assert at_edge("steepest", rates(100), losses, whole=True) == "upper"
    assert at_edge("steepest", rates(100), losses, whole=False) is None


@pytest.mark.parametrize(
    ("minimum", "edge"), [(10, "lower"), (11, None), (93, None), (94, "upper")]
)
def test_a_tenth_of_the_rate_of_the_minimum_is_at_an_end_where_the_minimum_is(minimum, edge):
    losses = [1 + abs(step - minimum) / 100 for step in range(100)]
    assert at_edge("minimum_over_ten", rates(100), losses, whole=True) == edge


def test_without_a_suggestion_there_is_no_end_that_it_is_at():
    assert at_edge("steepest", rates(100), [1.0 + step for step in range(100)], whole=True) is None


def test_a_short_curve_has_its_ends_left_out_in_proportion():
    losses = [9.0, 1.0, 0.9, 0.8, 0.7, 0.2, 0.15, 0.1, 0.05, 0.04, 0.03, -9.0]
    assert steepest(rates(12), losses) == rates(12)[4]  # neither the first descent nor the last


def test_falling_lengths_are_those_of_the_longest_of_all_subsequences():
    for losses in itertools.permutations(range(6)):
        expected = []
        for end in range(len(losses)):
            before = [c for n in range(end + 1) for c in itertools.combinations(range(end), n)]
            falling = [c for c in before if is_falling([losses[i] for i in (*c, end)])]
            expected.append(max(len(c) + 1 for c in falling))
        assert _falling([float(loss) for loss in losses]) == expected


def test_equal_losses_do_not_fall():
    assert _falling([3.0, 3.0, 2.0, 2.0, 1.0]) == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_the_valley_is_fastais(seed):
    """As fastai 2.8 computes it, on the part of a 100-step curve that it keeps."""
    losses = noisy(100, seed)
    inner = range(10, min(95, int(np.argmin(losses)) + 1))
    lengths = [1] * len(inner)
    end, start = 0, 0
    for i, j in [(later, earlier) for later in range(1, len(inner)) for earlier in range(later)]:
        if losses[inner[i]] < losses[inner[j]]:
            lengths[i] = max(lengths[i], lengths[j] + 1)
        if lengths[end] < lengths[i]:
            end, start = i, i - lengths[i]
    part = (end - start) / 3
    assert valley(rates(100), losses) == rates(100)[inner[start + int(part) + int(part / 2)]]


def test_the_valley_of_a_straight_fall_is_its_middle():
    losses = [*[5.0] * 30, *np.linspace(5, 1, 41)[1:], *[4.0] * 30]
    assert rates(100).index(valley(rates(100), losses)) == pytest.approx(49, abs=2)


def test_a_tenth_of_the_rate_at_the_least_loss():
    losses = noisy(100, 0)
    assert minimum_over_ten(rates(100), losses) == rates(100)[np.argmin(losses)] / 10


@pytest.mark.parametrize(
    "losses", [[], [1.0], [1.0] * 50, list(map(float, range(50)))], ids=["none", "1", "flat", "up"]
)
def test_a_curve_that_never_falls_suggests_nothing(losses):
    assert set(suggestions(rates(len(losses)), losses).values()) == {None}


@pytest.mark.parametrize("count", range(2, 30))
def test_a_fall_of_any_length_has_suggestions(count):
    found = suggestions(rates(count), [float(-step) for step in range(count)])
    assert found["minimum_over_ten"] == rates(count)[-1] / 10
    for rule in ("steepest", "valley"):
        assert found[rule] in rates(count)


def test_seeds_are_summed_up_by_their_median_and_range():
    assert spread([0.1, 0.4, 0.2]) == (0.2, 0.1, 0.4, 3)
    assert spread([0.1, None, 0.4]) == (pytest.approx(0.2), 0.1, 0.4, 2)
    assert spread([8.0, 1.0, 4.0, 2.0]) == (pytest.approx(math.sqrt(8)), 1.0, 8.0, 4)
    assert spread([None, None]) is None


def is_falling(losses: list[int]) -> bool:
    return all(a > b for a, b in itertools.pairwise(losses))
