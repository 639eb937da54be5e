"""Groups of runs with mean and standard deviation, against numbers worked out by hand."""

from __future__ import annotations

import pytest

import cifar_lab
from cifar_lab.run.summary import Result
from tests.made import CONFIG, a_provenance, a_summary, made_run


def finished(outputs, name, seed, rate, accuracy, **made):
    config = {**CONFIG, "seed": seed, "optimizer": {**CONFIG["optimizer"], "lr": rate}}
    made_run(
        outputs / name,
        summary=a_summary(accuracy, training_seconds=60.0 * (1 + seed)),
        config=config,
        provenance=a_provenance(seed=seed, **made),
    )


@pytest.fixture
def outputs(elsewhere):
    place = elsewhere / "outputs" / "digits" / "day"
    for seed, accuracy in enumerate((0.90, 0.92, 0.94)):
        finished(place, f"low-{seed}", seed, 0.1, accuracy)
    finished(place, "high-0", 0, 0.2, 0.5)
    made_run(place / "high-1", state="failed", config=CONFIG)
    return place


def test_runs_that_differ_in_their_seed_are_one_row(outputs):
    high, low = cifar_lab.runs().group_by().summary()
    assert (low["optimizer.lr"], low["n"]) == (0.1, 3)
    assert low["test_accuracy_mean"] == pytest.approx(0.92)
    assert low["test_accuracy_sd"] == pytest.approx(0.02)  # of a sample, not of a population
    assert low["training_seconds_mean"] == pytest.approx(120)
    assert low["parameters"] == 6_573_120
    assert (high["optimizer.lr"], high["n"], high["test_accuracy_sd"]) == (0.2, 1, None)


def test_what_is_not_excluded_keeps_runs_apart(outputs):
    apart = cifar_lab.runs().group_by(exclude=[])
    assert len(apart) == 4
    assert sorted(row["seed"] for row in apart.summary()) == [0, 0, 1, 2]
    together = cifar_lab.runs().group_by(exclude=["seed", "lr"])
    (row,) = together.summary()
    assert row["n"] == 4
    assert "optimizer.lr" not in row


def test_of_a_repeated_seed_the_last_run_counts(outputs):
    finished(outputs, "low-2-again", 2, 0.1, 0.97)
    low = cifar_lab.runs().group_by().summary()[1]
    assert low["n"] == 3
    assert low["test_accuracy_mean"] == pytest.approx((0.90 + 0.92 + 0.97) / 3)


def test_other_images_and_another_precision_are_other_groups(outputs):
    finished(outputs, "images", 0, 0.2, 0.6, data_fingerprint="others")
    finished(outputs, "precision", 0, 0.2, 0.7, precision="float32")
    assert len(cifar_lab.runs().group_by()) == 4


def test_a_metric_that_not_all_have_is_left_out(outputs):
    path = outputs / "closed"
    made_run(
        path,
        summary=a_summary(test=None, evaluated="validation"),
        config={**CONFIG, "seed": 5, "optimizer": {**CONFIG["optimizer"], "lr": 0.2}},
        provenance=a_provenance(seed=5),
    )
    (closed,) = [row for row in cifar_lab.runs().group_by().summary() if row["n"] == 2]
    assert closed["test_accuracy_mean"] is None
    assert closed["val_accuracy_mean"] == pytest.approx(0.905)
    assert Result  # the summary's type


def test_a_key_that_no_run_has_is_refused(outputs):
    with pytest.raises(cifar_lab.Refusal, match="sede: no run has such a key"):
        cifar_lab.runs().group_by(exclude="sede")


def test_it_is_shown_as_a_table(outputs):
    found = cifar_lab.runs().group_by()
    assert "<th>test_accuracy_mean</th>" in found._repr_html_()
    assert [len(paths) for paths in found] == [1, 3]
    assert " 0.92 " in repr(found)
