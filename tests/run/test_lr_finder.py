"""Tests lr_finder.json and the table that is printed from it."""

from __future__ import annotations

import re

import pytest

from cifar_lab.engine.lr_finder import Curve, RangeTest
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.lr_finder import LrFinder, finding, nothing_found, table


def a_test(suggestion: str = "steepest") -> RangeTest:
    return RangeTest(
        start_lr=0.001, end_lr=10.0, steps=100, spacing="exponential", smoothing=1.0,
        divergence=4.0, seeds=2, suggestion=suggestion,
    )  # fmt: skip


def found_by(test: RangeTest, curves: dict[int, Curve]) -> LrFinder:
    return finding(test, curves, device="cpu", precision="float32", seconds=1.5)


def falling(step: int) -> Curve:
    """Falls at one of fifty steps, and very slightly at the last one that is considered."""
    losses = [2.0] * step + [1.0] * (49 - step) + [0.99]
    return Curve([0.001 * 1.1**number for number in range(50)], losses, losses, None)


FLAT = Curve([0.1, 0.2], [1.0, 1.0], [1.0, 1.0], "diverged")
EMPTY = Curve([], [], [], "not finite")


def test_the_number_is_the_median_over_the_seeds_in_three_digits_and_so_is_the_override():
    found = found_by(a_test(), {3: falling(20), 4: falling(30), 5: FLAT})
    ends = [0.001 * 1.1**19, 0.001 * 1.1**29]  # the gradient uses both neighbours
    middle = (ends[0] * ends[1]) ** 0.5
    steepest = found.suggestions["steepest"]
    assert found.chosen == steepest
    assert [steepest.lowest, steepest.highest, steepest.seeds] == [*map(pytest.approx, ends), 2]
    assert steepest.median == pytest.approx(middle)
    assert found.max_lr == float(f"{middle:.3g}") == 0.00985
    assert found.override == "scheduler.max_lr=0.00985"
    assert found.settings.divergence == 4.0
    first = found.seeds[0]
    assert (first.seed, first.ended, len(first.losses)) == (3, None, 50)
    assert found.seeds[2].suggestions == dict.fromkeys(found.suggestions)


def test_a_suggestion_is_at_an_end_if_those_of_most_seeds_are():
    early, middle = falling(11), falling(25)
    assert found_by(a_test(), {0: early, 1: early, 2: middle}).edge == "lower"
    assert found_by(a_test(), {0: early, 1: middle, 2: middle}).edge is None
    assert found_by(a_test(), {0: early, 1: middle}).edge is None
    rising = falling(44)
    assert found_by(a_test(), {0: rising}).edge == "upper"
    assert found_by(a_test(), {0: rising._replace(ended="diverged")}).edge is None


def test_the_configured_rule_gives_the_number():
    numbers = {
        rule: found_by(a_test(rule), {0: falling(20)}).max_lr
        for rule in ("steepest", "valley", "minimum_over_ten")
    }
    assert numbers["minimum_over_ten"] == float(f"{0.0001 * 1.1**49:.3g}")
    assert len(set(numbers.values())) == 3


def test_without_a_suggestion_there_is_no_number(tmp_path):
    found = found_by(a_test(), {0: FLAT, 1: EMPTY})
    assert found.max_lr is found.override is found.suggestions["steepest"] is None
    write_object(tmp_path / "lr_finder.json", found)
    assert read_object(tmp_path / "lr_finder.json", LrFinder) == found
    assert "set scheduler.max_lr to a number" in nothing_found(a_test())


def test_the_table_has_a_row_per_seed_the_median_and_the_range():
    lines = table(found_by(a_test(), {3: falling(20), 4: falling(30), 5: FLAT})).splitlines()
    header = ["seed", "steepest descent", "valley", "minimum / 10"]
    assert re.split(r"\s{2,}", lines[0].strip()) == header
    assert [line.split()[0] for line in lines] == ["seed", "3", "4", "5", "median", "from", "to"]
    assert lines[1].split()[1] == "0.00612"
    assert lines[3].split() == ["5", "none", "none", "none"]
    assert [line.split()[1] for line in lines[4:]] == ["0.00985", "0.00612", "0.0159"]
    assert len({len(line) for line in lines}) == 1
