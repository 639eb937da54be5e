"""One entry a configuration, over its seeds, ranked by validation and by nothing else."""

from __future__ import annotations

import csv
import multiprocessing
from dataclasses import replace
from statistics import mean

import pytest

from cifar_lab.analysis.noise import within_noise
from cifar_lab.results.entering import enter
from cifar_lab.results.leaderboard import leaderboard, ranked
from cifar_lab.results.leaderboard_text import as_csv, as_markdown
from cifar_lab.results.plan import write_plan
from cifar_lab.run.sweep_folder import SweepFolder
from tests.results.sweeps import JUDGED_BY, a_board, a_plan, a_row
from tests.work import Work

VALUES = {"a": [80.0, 80.2, 80.4], "b": [80.3, 80.5, 80.1], "c": [70.0, 70.1, 69.9]}


def test_configurations_are_ranked_by_their_mean_over_seeds():
    board = a_board(VALUES)
    assert [entry.values for entry in board.entries] == [
        {"width": "b"}, {"width": "a"}, {"width": "c"}
    ]  # fmt: skip
    assert [entry.rank for entry in board.entries] == [1, 2, 3]
    assert [mean(entry.validation) for entry in board.entries] == pytest.approx([80.3, 80.2, 70])
    assert board.unfinished == 0


def test_the_set_within_noise_is_that_of_the_statistics():
    entries = a_board(VALUES).entries
    noise = within_noise([[80.3, 80.5, 80.1], [80.0, 80.2, 80.4], [70.0, 70.1, 69.9]], 0)
    assert [entry.within_noise for entry in entries] == list(noise.within) == [True, True, False]


def test_of_equal_accuracies_the_lower_loss_wins_and_of_equal_ones_the_earlier():
    plan = a_plan({name: {"lr": name} for name in "xyz"}, seeds=1)
    losses = {0: 1.0, 1: 0.5, 2: 0.5}
    rows = {number: a_row(number, 50.0, val_loss=loss) for number, loss in losses.items()}
    assert [entry.configuration for entry in ranked(plan, rows).entries] == ["y", "z", "x"]


def test_what_is_judged_differently_is_never_in_one_ranking():
    plan = a_plan({name: {"data": name} for name in "ab"}, seeds=2)
    other = {**JUDGED_BY, "validation images": "other"}
    rows = {job.number: a_row(job.number, 50.0 + job.number) for job in plan.jobs}
    rows |= {n: replace(rows[n], judged_by=other) for n in (1, 3)}
    board = ranked(plan, rows)
    assert [[e.configuration for e in ranking.entries] for ranking in board.rankings] == [
        ["a"], ["b"]
    ]  # fmt: skip
    assert board.best is None


def test_a_failed_job_is_told_and_counts_in_no_mean():
    plan = a_plan({"a": {"lr": "1"}}, seeds=2)
    rows = {0: a_row(0, 60.0), 1: a_row(1, 0.0, state="failed", error="ValueError: no")}
    (entry,) = ranked(plan, rows).entries
    assert entry.validation == [60.0]
    assert entry.failed == (("a,seed=1", "ValueError: no"),)


def test_a_sweep_that_ranks_nothing_keeps_the_order_of_its_plan():
    board = a_board(VALUES, ranked=False)
    assert [entry.configuration for entry in board.entries] == ["a", "b", "c"]
    assert {entry.rank for entry in board.entries} == {None}
    assert board.best is None


def test_of_the_pareto_set_none_is_as_accurate_as_another_with_fewer_multiply_adds():
    plan = a_plan({name: {"width": name} for name in "abcd"}, seeds=1)
    cost = {0: (90.0, 100), 1: (89.0, 100), 2: (85.0, 10), 3: (80.0, 50)}
    rows = {n: a_row(n, accuracy, multiply_adds=adds) for n, (accuracy, adds) in cost.items()}
    assert {e.configuration for e in ranked(plan, rows).entries if e.pareto} == {"a", "c"}


def _enter_all(path, numbers):
    for number in numbers:
        enter(SweepFolder(path), a_row(number, 50.0 + number / 10))


def test_rows_of_several_processes_are_all_entered(tmp_path):
    plan = a_plan({name: {"width": name} for name in "abcd"}, seeds=5)
    write_plan(SweepFolder(tmp_path), plan, [], None)
    spawned = multiprocessing.get_context("fork")
    workers = [
        spawned.Process(target=_enter_all, args=(tmp_path, range(start, 20, 2))) for start in (0, 1)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert leaderboard(SweepFolder(tmp_path)).unfinished == 0
    with (tmp_path / "leaderboard.csv").open() as file:
        assert [row["n"] for row in csv.DictReader(file)] == ["5"] * 4


def test_twice_as_many_rows_are_twice_the_work():
    calls = []
    for configurations in (50, 100):
        plan = a_plan({str(n): {"width": str(n)} for n in range(configurations)}, seeds=5)
        rows = {job.number: a_row(job.number, 50 + job.number % 37 / 10) for job in plan.jobs}
        with Work() as work:
            board = ranked(plan, rows)
            as_csv(board), as_markdown(board, "time")
        assert len(board.entries) == configurations
        calls.append(work.calls)
    assert calls[1] < 2.2 * calls[0]
