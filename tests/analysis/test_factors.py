"""Effects of factors on tables that are averaged by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.analysis.factors import factors


def cell(optimizer, augmentation, *values):
    return {"optimizer": optimizer, "augmentation": augmentation}, values


TWO_BY_TWO = [
    cell("sgd", "none", 90.0, 92.0),
    cell("sgd", "flip", 93.0, 95.0),
    cell("adam", "none", 88.0, 90.0),
    cell("adam", "flip", 91.0, 91.0),
]


def test_two_by_two_by_hand():
    optimizer, augmentation = factors(TWO_BY_TWO)
    assert (optimizer.key, augmentation.key) == ("optimizer", "augmentation")
    assert optimizer.balanced
    assert augmentation.balanced
    assert [(x.value, x.mean, x.cells, x.runs) for x in optimizer.levels] == [
        ("sgd", 92.5, 2, 4),
        ("adam", 90.0, 2, 4),
    ]
    assert [(x.value, x.mean) for x in augmentation.levels] == [("none", 90.0), ("flip", 92.5)]
    # Squares 2, 2, 2 and 0 over 4 degrees of freedom, 4 runs a level; t at 97.5 % is 2.776445.
    reach = 2.776445 * math.sqrt(1.5 / 4)
    for level in (*optimizer.levels, *augmentation.levels):
        assert (level.low, level.high) == pytest.approx((level.mean - reach, level.mean + reach))


def test_cells_count_alike_whatever_their_number_of_runs():
    more = [*TWO_BY_TWO[:3], cell("adam", "flip", 91.0, 91.0, 91.0, 91.0)]
    adam = factors(more)[0].levels[1]
    assert (adam.mean, adam.cells, adam.runs) == (90.0, 2, 6)
    # 6 degrees of freedom: t is 2.446912; variances of the cells' means are 1/2 and 1/4 of s² = 1.
    assert adam.high - adam.mean == pytest.approx(2.446912 * math.sqrt(0.5 + 0.25) / 2, rel=1e-6)


def test_only_combinations_that_all_levels_have_are_averaged():
    optimizer, augmentation = factors(TWO_BY_TWO[:3])
    assert not optimizer.balanced
    assert [(x.value, x.mean, x.cells) for x in optimizer.levels] == [
        ("sgd", 91.0, 1),
        ("adam", 89.0, 1),
    ]
    assert not augmentation.balanced
    assert [(x.value, x.mean) for x in augmentation.levels] == [("none", 91.0), ("flip", 94.0)]


def test_without_common_combinations_all_cells_are_averaged():
    optimizer, _ = factors([TWO_BY_TWO[0], TWO_BY_TWO[3]])
    assert not optimizer.balanced
    assert [x.mean for x in optimizer.levels] == [91.0, 91.0]


def test_effects_of_an_additive_table_are_its_own():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(0, 1, 3), rng.normal(0, 1, 2), rng.normal(0, 1, 4)
    cells = [
        ({"a": f"a{i}", "b": f"b{j}", "c": f"c{k}"}, [90 + a[i] + b[j] + c[k]])
        for i in range(3) for j in range(2) for k in range(4)
        if (i, j, k) != (2, 1, 3)
    ]  # fmt: skip
    for factor, effects in zip(factors(cells), (a, b, c), strict=True):
        assert not factor.balanced
        differences = [x.mean - factor.levels[0].mean for x in factor.levels]
        assert differences == pytest.approx(effects - effects[0])


def test_without_repeated_runs_there_is_no_interval():
    levels = factors([cell("sgd", "none", 90.0), cell("adam", "none", 91.0)])[0].levels
    assert [x.mean for x in levels] == [90.0, 91.0]
    assert all(math.isnan(x.low) and math.isnan(x.high) for x in levels)


def test_a_single_factor_and_no_cells():
    (factor,) = factors([({"lr": "0.1"}, [90.0, 91.0]), ({"lr": "0.2"}, [92.0])])
    assert factor.balanced
    assert [x.mean for x in factor.levels] == [90.5, 92.0]
    assert factors([]) == []


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([cell("sgd", "none", 90.0), ({"optimizer": "sgd"}, [91.0])], "the factors differ"),
        ([cell("sgd", "none", 90.0), cell("sgd", "none", 91.0)], "two cells have the same levels"),
        ([cell("sgd", "none", math.nan)], "leave failed runs out"),
    ],
)
def test_tables_that_are_wrong_are_refused(cells, message):
    with pytest.raises(ValueError, match=message):
        factors(cells)
