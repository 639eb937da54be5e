"""Columns of hooks: what is refused, and that rows stay a table."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from cifar_lab.hooks.columns import Columns, Unfit


@pytest.mark.parametrize(
    "value", [3, 2.5, True, np.float32(0.5), np.int64(7), torch.tensor(1.5), torch.ones(1)]
)
def test_a_number_of_any_kind_is_a_plain_number(value):
    (given,) = Columns([]).checked("a", {"x": value}).values()
    assert type(given) is float
    assert given == float(value)


def test_nan_is_allowed():
    assert math.isnan(Columns([]).checked("a", {"x": math.nan})["x"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "columns must be a dictionary, got NoneType"),
        ([("x", 1)], "columns must be a dictionary, got list"),
        ({"x": "3"}, r"the column x must be a number, got '3' \(str\)"),
        ({"x": None}, r"the column x must be a number, got None \(NoneType\)"),
        (
            {"x": torch.ones(2)},
            r"the column x must be a number, got tensor\(\[1., 1.\]\) \(Tensor\)",
        ),
        ({"x": math.inf}, "the column x must be finite or NaN, got inf"),
        ({"x": 10**400}, "the column x must be a number, got 1000"),
        ({"a,b": 1}, "the column 'a,b' must have a name of at most 60 letters"),
        ({"": 1}, "the column '' must have a name"),
        ({3: 1}, "the column 3 must have a name"),
        ({"x" * 61: 1}, "the column 'x+… .* must have a name"),
        ({"val_loss": 1}, "the column val_loss is one of every run; choose another name"),
        ({"fresh": 1, "taken": 1}, "the column taken is one of hooks.other; choose another name"),
    ],
)
def test_what_is_no_column_is_refused_as_a_whole(given, message):
    columns = Columns([])
    columns.checked("other", {"taken": 1})
    with pytest.raises(Unfit, match=f"^{message}"):
        columns.checked("a", given)
    assert columns.checked("third", {"fresh": 1}) == {"fresh": 1}  # it did not become a's


def test_rows_keep_the_columns_that_nothing_gives_any_more():
    columns = Columns([{"epoch": 1, "old": 3.0}])
    row = {"epoch": 2, "lr": 0.1}
    columns.complete(row, {"new": 4.0})
    assert list(row) == ["epoch", "lr", "old", "new"]
    assert math.isnan(row["old"])
    row = {"epoch": 3, "lr": 0.1}
    columns.complete(row, {"old": 5.0})
    assert row["old"] == 5
    assert math.isnan(row["new"])
