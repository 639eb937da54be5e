"""Comparisons of runs by object or by name."""

from __future__ import annotations

from statistics import fmean, stdev

import pytest

import cifar_lab
from cifar_lab.results.comparison import compared
from tests.results.compared_runs import a_grid


@pytest.fixture
def grid(elsewhere):
    return [run.folder.path for run in a_grid(elsewhere / "outputs")]


def test_the_leaderboard_has_exact_numbers_and_typed_keys(grid):
    found = cifar_lab.compare("outputs/**")
    rows = list(found.leaderboard)
    assert [row["optimizer.lr"] for row in rows] == [0.1, 0.2, 0.5]
    expected = compared([cifar_lab.open_run(path).recorded for path in grid])
    for row, configuration in zip(rows, expected.configurations, strict=True):
        values = configuration.numbers["val_accuracy"]
        assert row["runs"] == 3
        assert row["val_accuracy_mean"] == fmean(values)
        assert row["val_accuracy_sd"] == pytest.approx(stdev(values))
    assert found.to_frame(["configuration", "runs"])["runs"].tolist() == [3, 3, 3]
    assert len(found.runs) == 9


def test_runs_may_be_objects_or_names(grid):
    every = cifar_lab.runs("outputs")
    by_objects = cifar_lab.compare(every.where(lr=0.1), every.where(lr=0.2)[0], *every[-3:])
    names = [run.path for run in by_objects.runs]
    by_names = cifar_lab.compare(*names)
    assert repr(by_objects) == repr(by_names)
    assert "Compared by" in repr(by_objects)


def test_the_baseline_comes_first(grid):
    one = cifar_lab.open_run(grid[-1])
    found = cifar_lab.compare("outputs/**", baseline=one, metric="val_loss")
    assert found.leaderboard[0]["optimizer.lr"] == 0.5
    assert found.found.metric.name == "val_loss"
    assert cifar_lab.compare(grid[0], grid[3], baseline=grid[3]).leaderboard[0]["baseline"] is True


def test_all_that_cannot_be_compared_is_refused(grid):
    with pytest.raises(cifar_lab.Refusal) as refused:
        cifar_lab.compare("nothing", "neither", baseline="nowhere")
    assert [problem.partition(" ")[0] for problem in refused.value.problems] == [
        "RUN=nothing", "RUN=neither", "baseline:",
    ]  # fmt: skip
    with pytest.raises(cifar_lab.Refusal, match="needs at least two runs, got 1"):
        cifar_lab.compare(grid[0])
    with pytest.raises(cifar_lab.Refusal, match="speed: must be one of test_accuracy"):
        cifar_lab.compare("outputs/**", metric="speed")


def test_a_notebook_shows_the_metric(grid):
    page = cifar_lab.compare("outputs/**")._repr_html_()
    assert "<th>optimizer.lr</th>" in page
    assert "_accuracy_mean</th>" in page
    assert page.count("<tr>") == 4
