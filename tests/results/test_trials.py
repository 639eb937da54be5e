"""The trials of a search, their states and values, and the optimism of the best one."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from cifar_lab.results.rows import PRUNED, Row
from cifar_lab.results.search import Jobless
from cifar_lab.results.trials import best, flattery, reached, trials
from cifar_lab.run.files import write_object
from cifar_lab.run.summary import ValidationResult
from cifar_lab.run.sweep_folder import SweepFolder
from tests.made import a_status, a_summary
from tests.sweeps.searches import a_plan


def row(number, value, state="done", stopped=None):
    return Row(number, state, None, 1, value, 1 - (value or 0), stopped=stopped)


def a_mixed_plan(objective="val_accuracy"):
    """Trials 0, 1, 3, 4 and 6 are jobs; 2 repeats the second job, and 5 was refused."""
    plan = a_plan(5, objective)
    jobless = (Jobless(2, {}, None, 1), Jobless(5, {}, "no", None))
    search = dataclasses.replace(plan.search, trials=(0, 1, 3, 4, 6), jobless=jobless)
    return dataclasses.replace(plan, search=search)


ROWS = {
    0: row(0, 0.5),
    1: row(1, 0.75),
    2: row(2, 0.25, stopped=f"{PRUNED}worse"),
    3: Row(3, "failed", "NonFinite", 1),
}


def test_each_trial_has_the_state_and_value_of_its_job():
    found = trials(a_mixed_plan(), ROWS)
    assert [(t.number, t.state, t.value) for t in found] == [
        (0, "done", 0.5),
        (1, "done", 0.75),
        (2, "done", 0.75),
        (3, "pruned", 0.25),
        (4, "failed", None),
        (5, "failed", None),
        (6, "running", None),
    ]


def test_an_interrupted_job_is_still_running_and_a_result_that_is_not_finite_has_failed():
    rows = {0: row(0, 0.5, state="interrupted"), 1: row(1, math.nan)}
    states = [each.state for each in trials(a_plan(2), rows)]
    assert states == ["running", "failed"]


def test_the_best_is_the_earliest_of_the_best_that_were_trained_to_their_end():
    assert best(trials(a_mixed_plan(), ROWS), "val_accuracy").number == 1
    rows = {0: row(0, 0.5), 1: row(1, 0.9, stopped=f"{PRUNED}worse")}
    assert best(trials(a_plan(2), rows), "val_accuracy").number == 0
    assert best([], "val_accuracy") is None


def test_the_lowest_loss_is_the_best():
    found = trials(a_mixed_plan("val_loss"), ROWS)
    assert best(found, "val_loss").value == 0.25


def test_what_was_reached_is_the_best_epoch_so_far():
    rows = [
        {"val_accuracy": a, "val_loss": loss}
        for a, loss in [(0.5, 2.0), (0.75, 1.5), (0.25, 0.5), (0.75, 1.0)]
    ]
    assert reached(rows, "val_accuracy") == [0.5, 0.75, 0.75, 0.75]
    # The loss of the epoch that is the best by accuracy, as the run itself would report it.
    assert reached(rows, "val_loss") == [2.0, 1.5, 1.5, 1.0]


def test_the_optimism_of_the_best_is_that_of_simulated_searches(tmp_path):
    """Equally good networks, judged by 400 images each: how much the best of 8 flatters."""
    folder, plan = SweepFolder(tmp_path), a_plan(8)
    rows = {number: row(number, 0.8) for number in range(8)}
    run = folder.job("job0")
    run.path.mkdir()
    write_object(run.status, a_status())
    summary = a_summary(validation=ValidationResult(accuracy=0.8, loss=0.4, count=400, wrong=80))
    write_object(run.summary, summary)
    found = flattery(folder, trials(plan, rows))
    assert (found.trials, found.images) == (8, 400)
    draws = np.random.default_rng(0).binomial(400, 0.8, size=(20_000, 8)) / 400
    assert found.deviation == pytest.approx(draws.std(), rel=0.01)
    assert found.points == pytest.approx(draws.max(axis=1).mean() - 0.8, rel=0.03)


def test_without_a_finished_trial_nothing_flatters(tmp_path):
    assert flattery(SweepFolder(tmp_path), trials(a_plan(1), {})) is None
