"""The leaderboard as it is written: one row a configuration, only the keys that differ."""

from __future__ import annotations

import csv
import io

from cifar_lab.results.leaderboard import ranked
from cifar_lab.results.leaderboard_text import as_csv, as_markdown
from tests.results.sweeps import a_board, a_plan, a_row

BOARD = a_board({"16": [80.0, 80.2], "32": [90.0, 91.0]})


def test_the_csv_has_means_deviations_and_counts():
    rows = list(csv.DictReader(io.StringIO(as_csv(BOARD))))
    assert [row["width"] for row in rows] == ["32", "16"]
    best = rows[0]
    assert (best["rank"], best["n"], best["failed"]) == ("1", "2", "0")
    assert float(best["val_accuracy_mean"]) == 0.905
    assert abs(float(best["val_accuracy_sd"]) - 0.00707107) < 1e-6  # by hand: 1 / √2 points
    assert best["test_accuracy_mean"] == ""
    assert "seed" not in best


def test_the_markdown_shows_mean_deviation_and_n():
    text = as_markdown(BOARD, "12-00-00")
    assert "| rank | width | validation accuracy (%) | n | against the best | time a run |" in text
    assert "| 1 | 32 | 90.50 ± 0.71 | 2 | the best |" in text
    assert "| 2 | 16 | 80.10 ± 0.14 | 2 | worse |" in text
    assert "4 of 4 jobs done." in text
    assert "`cifar-lab confirm`" in text
    assert "failed" not in text


def test_where_noise_is_unknown_nothing_is_said_of_it():
    single = a_board({"16": [80.0], "32": [90.0]})
    rows = list(csv.DictReader(io.StringIO(as_csv(single))))
    assert [row["within_noise"] for row in rows] == ["", ""]
    assert "against the best" not in as_markdown(single, "t")
    rows = list(csv.DictReader(io.StringIO(as_csv(BOARD))))
    assert [row["within_noise"] for row in rows] == ["yes", "no"]


def test_errors_and_names_cannot_break_the_table():
    plan = a_plan({"a": {"x|y": "<b>*1*"}, "b": {"x|y": "2"}}, seeds=1)
    rows = {0: a_row(0, 50.0), 1: a_row(1, 0.0, state="failed", error="a|b\n# `c`")}
    text = as_markdown(ranked(plan, rows), "t")
    assert r"\<b\>\*1\*" in text
    assert "- b,seed=0: a\\|b # \\`c\\`" in text


def test_a_failed_configuration_stays_in_the_csv_with_its_error():
    plan = a_plan({"a": {"lr": "1"}, "b": {"lr": "2"}}, seeds=1)
    rows = {0: a_row(0, 50.0), 1: a_row(1, 0.0, state="failed", error="ValueError: no")}
    last = list(csv.DictReader(io.StringIO(as_csv(ranked(plan, rows)))))[-1]
    assert (last["lr"], last["n"], last["failed"], last["error"]) == (
        "2", "0", "1", "ValueError: no"
    )  # fmt: skip
