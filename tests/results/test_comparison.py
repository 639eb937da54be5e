"""Comparisons, against SciPy and numbers worked out by hand."""

from __future__ import annotations

from statistics import fmean

import pytest
from scipy.stats import binomtest, dunnett

from cifar_lab.refusal import Refusal
from cifar_lab.results.chosen import chosen_runs
from cifar_lab.results.comparison import compared
from cifar_lab.results.exported import as_text
from tests.results.compared_runs import a_grid, a_run
from tests.work import Work

T, F = True, False


def rows(comparison):
    return {row.configuration.name: row for row in comparison.rows}


def test_two_runs_are_told_apart_by_what_differs(tmp_path):
    first = a_run(tmp_path / "a", [T, T, F, F])
    second = a_run(tmp_path / "b", [T, T, T, F], config={"optimizer.lr": 0.2})
    found = compared([first, second])
    assert found.metric.name == "val_accuracy"
    assert [row.configuration.name for row in found.rows] == ["lr=0.1", "lr=0.2"]
    assert found.difference(found.rows[1].configuration, found.metric) == pytest.approx(0.25)
    assert found.flips is not None
    assert found.flips.counts.p_value == binomtest(0, 1).pvalue
    assert found.rows[1].effect is None
    assert found.rows[1].within_noise is None


def test_seeds_are_one_row_and_judged_as_scipy_does(tmp_path):
    runs = a_grid(tmp_path)
    found = compared(runs)
    assert [row.configuration.name for row in found.rows] == ["lr=0.1", "lr=0.2", "lr=0.5"]
    values = [[run.summary.validation.accuracy for run in runs[n : n + 3]] for n in (0, 3, 6)]
    interval = dunnett(*values[1:], control=values[0]).confidence_interval()
    for number, row in enumerate(found.rows[1:]):
        effect = row.effect
        assert effect is not None
        assert effect.difference == pytest.approx(fmean(values[number + 1]) - fmean(values[0]))
        assert effect.low == pytest.approx(interval.low[number], abs=1e-3)
        assert effect.high == pytest.approx(interval.high[number], abs=1e-3)
    best = max(range(3), key=lambda n: fmean(values[n]))
    near = [n for n in range(2) if n != best]
    p = dunnett(*(values[n] for n in near), control=values[best], alternative="less").pvalue
    marked = {n for n, each in zip(near, p, strict=True) if each > 0.05} | {best}
    assert [n for n, row in enumerate(found.rows) if row.within_noise] == sorted(marked)
    assert found.flips is None
    assert all(row.by_image.excess is not None for row in found.rows)


def test_the_baseline_comes_first_then_the_best(tmp_path):
    runs = a_grid(tmp_path)
    found = compared(runs, baseline=runs[6])
    assert [row.configuration.name for row in found.rows] == ["lr=0.5", "lr=0.2", "lr=0.1"]
    assert found.rows[0].effect is None


def test_by_a_loss_the_lowest_is_best(tmp_path):
    found = compared(a_grid(tmp_path), metric="val_loss")
    assert [row.configuration.name for row in found.rows] == ["lr=0.1", "lr=0.2", "lr=0.5"]
    assert not found.rows[2].within_noise
    assert found.rows[1].within_noise


def test_runs_of_one_configuration_are_rows_of_their_own(tmp_path):
    runs = [a_run(tmp_path / str(n), [T, n == 0, F], seed=n) for n in range(2)]
    found = compared(runs)
    assert [row.configuration.name for row in found.rows] == ["seed=0", "seed=1"]
    assert found.flips is not None
    again = [a_run(tmp_path / f"again{n}", [T, T, F], seed=3) for n in range(2)]
    assert [row.configuration.name for row in compared(again).rows] == ["A", "B"]


def test_a_repeated_seed_does_not_count_twice(tmp_path):
    runs = a_grid(tmp_path)
    again = a_run(tmp_path / "again", [T] * 60, seed=0, config={"optimizer.lr": 0.1})
    found = compared([*runs, again])
    assert len(found.rows[0].configuration.runs) == 3
    assert found.rows[0].configuration.name == "lr=0.1"
    assert [(each.run, each.reason.split(" of ")[0]) for each in found.left_out] == [
        (runs[0], "another run")
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": "0123456789abcdef"}, "data 0123456789ab instead of fedcba987654"),
        (
            {"config": {"trainer.test_time_flips": True}},
            "test-time flip averaging on instead of off",
        ),
        ({"right": [T] * 5}, "validation images"),
    ],
)
def test_what_is_judged_otherwise_is_told_and_not_ranked(tmp_path, changes, told):
    first = a_run(tmp_path / "a", [T, F, F])
    second = a_run(tmp_path / "b", [T, T, F], config={"optimizer.lr": 0.2})
    options = {"right": [T, T, T], **changes}
    options["config"] = {"optimizer.lr": 0.3, **options.get("config", {})}
    third = a_run(tmp_path / "c", **options)
    found = compared([first, second, third])
    assert len(found.rows) == 2
    (other,) = found.not_ranked
    assert told in other.because
    assert other.configuration.runs[0].run is third
    assert found.flips is not None  # of the two that may be compared


def test_the_split_that_all_have_is_used(tmp_path):
    both = a_run(tmp_path / "a", [T, F], test=[T, T])
    also = a_run(tmp_path / "b", [T, T], test=[T, F], config={"optimizer.lr": 0.2})
    closed = a_run(tmp_path / "c", [F, F], config={"optimizer.lr": 0.3})
    assert compared([both, also]).metric.name == "test_accuracy"
    assert compared([both, also, closed]).metric.name == "val_accuracy"
    assert compared([both, also], metric="val_accuracy").metric.name == "val_accuracy"
    found = compared([both, also, closed], metric="test_accuracy")
    assert [each.reason for each in found.left_out] == ["it has no test accuracy"]
    without = {"validation": None}
    tests = [a_run(tmp_path / f"t{n}", [T, F], test=[T, F], **without) for n in range(2)]
    found = compared([*tests, closed])
    assert found.metric.name == "test_accuracy"
    assert [each.run for each in found.left_out] == [closed]


def test_precisions_are_different_configurations(tmp_path):
    from cifar_lab.run.files import write_object
    from tests.made import a_provenance

    runs = [a_run(tmp_path / name, [T, F]) for name in "ab"]
    write_object(runs[1].folder.provenance, a_provenance(precision="bfloat16"))
    found = compared(runs)
    assert [each.key for each in found.differing] == ["precision"]
    assert found.baseline.name == "precision=float32"


def test_runs_without_a_result_are_left_out_with_the_reason(tmp_path):
    runs = a_grid(tmp_path, seeds=1)
    failed = a_run(tmp_path / "failed", [T], state="failed")
    damaged = a_run(tmp_path / "damaged", [T])
    damaged.folder.predictions.write_bytes(b"x")
    linked = a_run(tmp_path / "linked", [T])
    (linked.folder.path / "link").symlink_to("/")
    found = compared([*runs, failed, damaged, linked])
    assert len(found.rows) == 3
    reasons = {each.run.folder.path.name: each.reason for each in found.left_out}
    assert reasons["failed"] == "it is not finished: failed"
    assert "predictions.npz could not be read" in reasons["damaged"]
    assert "is a link to /" in reasons["linked"]


def test_fewer_than_two_runs_are_refused_with_all_reasons(tmp_path):
    one, failed = a_run(tmp_path / "a", [T]), a_run(tmp_path / "b", [T], state="failed")
    with pytest.raises(Refusal) as refused:
        compared([one, failed])
    assert refused.value.problems[0] == "comparing needs at least two runs, got 1"
    assert refused.value.problems[1].endswith("b: it is not finished: failed")


def test_a_baseline_without_a_result_is_refused(tmp_path):
    runs = a_grid(tmp_path, seeds=1)
    failed = a_run(tmp_path / "b", [T], state="failed")
    with pytest.raises(Refusal, match=r"--baseline .*b: it is not finished: failed; choose"):
        compared([*runs, failed], baseline=failed)


def test_a_metric_that_is_not_finite_is_left_out(tmp_path):
    from cifar_lab.run.summary import ValidationResult

    runs = a_grid(tmp_path, seeds=1)
    nan = a_run(tmp_path / "n", [T, F], validation=ValidationResult(0.5, float("nan"), 2, 1))
    found = compared([*runs, nan], metric="val_loss")
    assert [each.reason for each in found.left_out] == ["its validation loss is not finite"]


def test_predictions_of_very_many_runs_are_not_compared(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.results.comparison.MOST_RUNS", 8)
    found = compared(a_grid(tmp_path))
    assert found.unread == "there are 9 runs; up to 8 are compared image by image"
    assert all(row.by_image is None for row in found.rows)
    assert all(row.within_noise is not None for row in found.rows)


def test_a_further_run_is_no_more_work_where_there_are_many(tmp_path):
    calls = []
    for number in (40, 80, 120):
        outputs = tmp_path / str(number)
        for run in range(number):
            rate = {"optimizer.lr": 0.1 + run // 4}
            a_run(outputs / str(run) / "time", [T, F], seed=run % 4, config=rate)
        with Work() as work:
            found = compared(chosen_runs(outputs, [str(outputs)]))
            assert len(as_text(found).splitlines()) > number / 4
        assert sum(len(row.configuration.runs) for row in found.rows) == number
        calls.append(work.calls)
    assert calls[2] - calls[1] < 1.02 * (calls[1] - calls[0])
