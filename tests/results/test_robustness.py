"""Accuracy on corrupted and other test images, in a comparison; means are worked out by hand."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.report.sections.compare_result import measures
from cifar_lab.results.comparison import compared
from cifar_lab.results.exported import FORMATS, as_csv, as_json, as_latex, as_text
from cifar_lab.results.robustness import ON_SUITES, same_images
from cifar_lab.results.table import notes, other_measures
from cifar_lab.run.files import write_object
from cifar_lab.run.robustness import Robustness
from tests.results.compared_runs import a_run
from tests.run.test_robustness import a_suite, condition

T, F = True, False
HEADING = "mean corruption accuracy (corruptions@lab), %"
NOT_RANKED = "nothing is ranked by them, and whether differences may be due to chance is not tested"


def corrupted(low: float, high: float, **changes):
    """A suite of one corruption at two severities, beside one that does not count."""
    conditions = (condition("fog", 1, high), condition("fog", 2, low), condition("x", 1, 0, F))
    return dataclasses.replace(a_suite("corruptions@lab", *conditions), **changes)


def evaluated(place, lr, seed, *suites, test=(T, T, F, F)):
    """A run that was evaluated on suites."""
    right = [T, T, lr > 0.1, F]
    run = a_run(place, right, seed=seed, test=test, config={"optimizer.lr": lr})
    if suites:
        write_object(run.folder.robustness, Robustness(suites))
    return run


@pytest.fixture
def seeds(tmp_path):
    """Two seeds of each of two configurations; the means of all runs are 50, 60, 20 and 40 %."""
    suites = [corrupted(0.4, 0.6), corrupted(0.5, 0.7), corrupted(0.1, 0.3), corrupted(0.3, 0.5)]
    new = condition("CIFAR-10.1 v6", None, 0.5, averaged=False)
    return [
        evaluated(tmp_path / str(n), (0.1, 0.2)[n // 2], n % 2, suite, a_suite(new.name, new))
        for n, suite in enumerate(suites)
    ]


def cells(found):
    return {column.heading: column.cells for column in other_measures(found)}


def test_seeds_have_a_mean_a_deviation_and_a_difference(seeds):
    found = cells(compared(seeds))
    # By hand: the deviations are 10 / √2 and 20 / √2 points.
    assert found[HEADING] == ["55.00 ± 7.07", "30.00 ± 14.14 (−25.00)"]
    assert found["accuracy (CIFAR-10.1 v6), %"] == ["50.00 ± 0.00", "50.00 ± 0.00"]


def test_every_format_has_them(seeds):
    found = compared(seeds)
    for write in (as_text, as_latex):
        assert "mean corruption accuracy (corruptions@lab)" in write(found)
        assert "30.00" in write(found)
    first, second = csv.DictReader(io.StringIO(as_csv(found)))
    assert float(first["corruptions_lab_accuracy_mean"]) == pytest.approx(0.55)
    assert float(second["corruptions_lab_accuracy_sd"]) == pytest.approx(0.02**0.5)
    assert float(second["corruptions_lab_accuracy_difference"]) == pytest.approx(-0.25)
    values = json.loads(as_json(found))["configurations"][1]["values"]
    assert values["corruptions_lab_accuracy"] == pytest.approx([0.2, 0.4])
    (table,) = (block for block in measures(found).blocks if block.kind == "table")
    assert HEADING in table.header


def test_nothing_is_ranked_by_them(seeds):
    found = compared(seeds, metric="val_accuracy")
    assert NOT_RANKED in " ".join(notes(found))
    with pytest.raises(Refusal, match="--metric corruptions_lab_accuracy: must be one of"):
        compared(seeds, metric="corruptions_lab_accuracy")


def test_a_configuration_has_a_value_if_all_of_its_runs_have(tmp_path):
    runs = [
        evaluated(tmp_path / "a", 0.1, 0, corrupted(0.4, 0.6)),
        evaluated(tmp_path / "b", 0.1, 1, corrupted(0.5, 0.7)),
        evaluated(tmp_path / "c", 0.2, 0, corrupted(0.5, 0.7)),
        evaluated(tmp_path / "d", 0.2, 1),
    ]
    found = compared(runs)
    assert cells(found)[HEADING] == ["55.00 ± 7.07", "–"]
    assert "corruptions@lab: 3 of 4 runs were evaluated on it" in " ".join(notes(found))
    second = list(csv.DictReader(io.StringIO(as_csv(found))))[1]
    assert second["corruptions_lab_accuracy_mean"] == ""
    assert second["corruptions_lab_accuracy_difference"] == ""
    without = cells(compared(runs, baseline=runs[3]))
    assert without[HEADING] == ["–", "55.00 ± 7.07"]  # nothing to differ from


def test_other_images_are_not_compared(tmp_path):
    runs = [
        evaluated(tmp_path / "a", 0.1, 0, corrupted(0.4, 0.6)),
        evaluated(tmp_path / "b", 0.2, 0, corrupted(0.5, 0.7, fingerprint="0" * 64)),
    ]
    assert not same_images(runs, "corruptions@lab")
    found = compared(runs)
    assert HEADING not in cells(found)
    assert "corruptions@lab is not compared: the runs saw different" in " ".join(notes(found))


def test_a_closed_test_set_stays_closed(tmp_path):
    suite = corrupted(0.4, 0.6)
    runs = [evaluated(tmp_path / str(n), n / 10, 0, suite, test=None) for n in (1, 2)]
    found = compared(runs)
    assert HEADING not in cells(found)
    assert "corruption" not in "".join(write(found) for write in FORMATS.values())


def test_a_run_whose_results_are_damaged_is_left_out(seeds):
    seeds[3].folder.robustness.write_text("{")
    (left_out,) = compared(seeds).left_out
    assert left_out.run is seeds[3]
    assert "robustness.json" in left_out.reason


def test_of_a_mean_that_is_missing_nothing_is_told(tmp_path):
    nothing = a_suite("CIFAR-10-C", condition("x", 1, 0.5, F), condition("x", 2, 0.5, F))
    run = evaluated(tmp_path / "a", 0.1, 0, nothing)
    assert ON_SUITES["CIFAR-10-C"].value(run) is None
