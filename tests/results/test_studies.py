"""Which recorded runs are complete runs of a study, and why the others are not."""

from __future__ import annotations

import dataclasses

import pytest

from cifar_lab.results.recorded import read_results, told_apart
from cifar_lab.results.studies import read_published, studies
from cifar_lab.run.files import write_object
from tests.results.study_runs import experiments_with


def of(tmp_path, *runs):
    experiments = experiments_with(tmp_path, *runs)
    return studies(read_published(experiments), read_results(experiments / "results"))


def test_runs_belong_to_the_study_of_their_name(tmp_path):
    wide, deep = of(tmp_path, {}, {"name": "other"}, {"name": "deep", "parameters": 9})
    assert [result.folder.path.name for result in wide.whole] == ["2026-01-01"]
    assert [result.folder.path.name for result in deep.whole] == ["2026-01-03"]


def test_whole_runs_are_counted_together_by_configuration_and_hardware(tmp_path):
    wide, _ = of(tmp_path, {}, {"device": "B"}, {}, {"scheduler__max_lr": 0.2})
    seeds = [[result.config["seed"] for result in group] for group in wide.groups]
    assert seeds == [[0, 2], [1], [3]]
    assert wide.not_counted == []


@pytest.mark.parametrize(
    ("others", "names"),
    [
        ([], ["wide"]),
        ([{"name": "wide_as_run"}], ["wide", "wide_as_run"]),
        ([{"device": "B"}], ["wide on A processor", "wide on B"]),
        (
            [{"device": "B"}, {"precision": "bfloat16"}],
            [
                "wide on A processor, 2 threads, float32",
                "wide on B",
                "wide on A processor, 2 threads, bfloat16",
            ],
        ),
        (
            [{"scheduler__max_lr": 0.2}, {"name": "wide_as_run"}],
            [
                "wide on A processor, 2 threads, float32, 1",
                "wide on A processor, 2 threads, float32, 2",
                "wide_as_run",
            ],
        ),
    ],
)
def test_groups_are_named_by_no_more_than_tells_them_apart(tmp_path, others, names):
    wide, _ = of(tmp_path, {}, *others)
    assert told_apart([*wide.groups, *wide.beside]) == names


def test_recipes_named_after_a_study_stand_beside_it(tmp_path):
    names = ["wide_as_run", "wider", "wide_as_run"]
    wide, deep = of(tmp_path, {}, *({"name": name} for name in names))
    assert [result.config["seed"] for result in wide.whole] == [0]
    assert [[result.config["seed"] for result in group] for group in wide.beside] == [[1, 3]]
    assert deep.beside == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trained": 2}, "2 of 3 epochs"),
        ({"trainer__limit_batches": 2}, "trainer.limit_batches=2"),
        ({"trainer__limit_epochs": 3}, "trainer.limit_epochs=3"),
        ({"dataset__limit_train_images": 100}, "dataset.limit_train_images=100"),
        ({"dataset__validation_fraction": 0.1}, "dataset.validation_fraction=0.1"),
        ({"trained": 2, "planned": 2}, "epochs 2 instead of 3"),
        ({"trainer__batch_size": 32}, "batch size 32 instead of 64"),
        ({"stopped": "reached the time limit"}, "reached the time limit"),
        ({"parameters": 1235}, "parameters 1,235 instead of 1,234"),
    ],
)
def test_a_run_that_is_not_the_whole_study_says_why(tmp_path, changes, reason):
    wide, _ = of(tmp_path, changes, {})
    ((result, reasons),) = wide.not_counted
    assert reasons == [reason]
    assert result.folder.path.name == "2026-01-01"
    assert [run.folder.path.name for run in wide.whole] == ["2026-01-02"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"final": {}}, "no training accuracy in its summary.json"),
        ({"per_class": ()}, "no results per class in its summary.json"),
    ],
)
def test_a_run_whose_summary_lacks_what_is_shown_is_not_counted(tmp_path, changes, reason):
    experiments = experiments_with(tmp_path, {}, {})
    first, _ = read_results(experiments / "results")
    write_object(first.folder.summary, dataclasses.replace(first.summary, **changes))
    wide, _ = studies(read_published(experiments), read_results(experiments / "results"))
    ((result, reasons),) = wide.not_counted
    assert (result.folder.path.name, reasons) == ("2026-01-01", [reason])


def test_without_published_studies_there_is_nothing_to_read(tmp_path):
    assert read_published(tmp_path) is None
