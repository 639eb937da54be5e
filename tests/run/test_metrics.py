"""Tests that metrics.csv reads back exactly and that other programs can read it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.metrics import read_metrics, write_metrics

AWKWARD = [0.1 + 0.2, 1e-300, 5e-324, 1 / 3, 123456789.123456789, -0.0, math.inf, np.float64(0.1)]


def test_metrics_read_back_exactly(tmp_path):
    rows = [{"epoch": n, "train_loss": value, "lr": 0.4} for n, value in enumerate(AWKWARD, 1)]
    write_metrics(tmp_path / "metrics.csv", rows)
    again = read_metrics(tmp_path / "metrics.csv")
    assert again == rows
    assert all(isinstance(row["epoch"], int) for row in again)
    assert math.copysign(1, again[5]["train_loss"]) == -1


def test_a_metric_that_is_not_a_number_stays_so(tmp_path):
    write_metrics(tmp_path / "metrics.csv", [{"epoch": 1, "train_loss": math.nan}])
    assert math.isnan(read_metrics(tmp_path / "metrics.csv")[0]["train_loss"])


def test_metrics_are_a_plain_table_that_other_programs_read(tmp_path):
    rows = [row_of(1, train_loss=2.5), row_of(2, train_loss=1.25)]
    write_metrics(tmp_path / "metrics.csv", rows)
    lines = (tmp_path / "metrics.csv").read_bytes().decode("ascii").split("\n")
    assert lines == ["epoch,train_loss,lr", "1,2.5,0.1", "2,1.25,0.1", ""]
    table = np.genfromtxt(tmp_path / "metrics.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(table["train_loss"], [2.5, 1.25])


def test_a_run_that_extends_one_without_cycled_momentum_keeps_its_rows(tmp_path):
    rows = [row_of(1, train_loss=2.5), {**row_of(2, train_loss=1.25), "momentum": 0.9}]
    write_metrics(tmp_path / "metrics.csv", rows)
    assert read_metrics(tmp_path / "metrics.csv") == rows


def test_a_run_that_an_older_version_began_keeps_its_rows_without_steps(tmp_path):
    rows = [row_of(1, train_loss=2.5), {**row_of(2, train_loss=1.25), "step": 8}]
    write_metrics(tmp_path / "metrics.csv", rows)
    assert read_metrics(tmp_path / "metrics.csv") == rows


def test_a_column_of_a_hook_may_be_missing_in_some_rows(tmp_path):
    rows = [row_of(1, train_loss=2.5), {**row_of(2, train_loss=1.25), "mine": 8.5}]
    write_metrics(tmp_path / "metrics.csv", rows)
    first, second = read_metrics(tmp_path / "metrics.csv")
    assert math.isnan(first.pop("mine"))
    assert [first, second] == rows


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"epoch,lr\n1,fast\n",
        b"epoch,lr\n1,\n",
        b"epoch,lr\n1\n",
        b"epoch,lr,mine\n1,1\n",
        b"epoch,lr\n\xff,1\n",
    ],
)
def test_metrics_that_are_missing_or_broken_are_refused(tmp_path, content):
    file = tmp_path / "metrics.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Refusal, match=f"{file} could not be read: "):
        read_metrics(file)


def row_of(epoch: int, train_loss: float) -> dict[str, float]:
    return {"epoch": epoch, "train_loss": train_loss, "lr": 0.1}
