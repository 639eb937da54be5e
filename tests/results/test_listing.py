"""Tests what is told of each run, in which order, and how a sweep is folded."""

from __future__ import annotations

import dataclasses
import math

import pytest

from cifar_lab.results.listing import Row, folded, in_order, row_of, sweep_in_words
from cifar_lab.run.files import object_text
from cifar_lab.run.labels import Labels
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Result, ValidationResult
from tests.made import a_run, a_summary

NOTHING = Row(**dict.fromkeys((field.name for field in dataclasses.fields(Row)), None))  # type: ignore[arg-type]


def a_row(path: str, **values: object) -> Row:
    return dataclasses.replace(NOTHING, path=path, **values)  # type: ignore[arg-type]


def test_a_row_has_what_the_runs_files_say(tmp_path):
    summary = a_summary(
        test=Result(accuracy=0.75, loss=math.nan, count=12, wrong=3), epochs_trained=3
    )
    folder = a_run(tmp_path / "run", summary=summary)
    Run(folder).files.write({folder.labels: object_text(Labels(("a",), "b"))})
    row = row_of(Run(folder))
    assert row == Row(
        path=folder.path.as_posix(),
        sweep=None,
        state="done",
        started="2025-01-01T00:00:00+00:00",
        damaged=None,
        name="digits",
        dataset="Digits",
        model="ResNet18",
        parameters=6_573_120,
        multiply_adds=379_266_432,
        epochs_trained=3,
        epochs_planned=20,
        val_accuracy=0.905,
        val_loss=0.4,
        test_accuracy=0.75,
        test_loss=None,
        training_seconds=120.0,
        seed=0,
        precision="bf16",
        hardware="A processor, 2 threads, bf16",
        tags=("a",),
        note="b",
    )


def test_an_unfinished_run_has_no_result(tmp_path):
    row = row_of(Run(a_run(tmp_path / "run", "interrupted")))
    assert (row.state, row.seed, row.test_accuracy, row.damaged) == ("interrupted", 0, None, None)


def test_a_run_without_validation_or_test_has_no_such_accuracy(tmp_path):
    folder = a_run(tmp_path / "run", summary=a_summary(validation=None))
    run = Run(folder)
    row = row_of(run)
    assert (row.val_accuracy, row.val_loss, row.test_accuracy) == (None, None, 0.75)
    run.__dict__["summary"] = a_summary(test=None)
    row = row_of(run)
    assert (row.val_accuracy, row.test_accuracy, row.test_loss) == (0.905, None, None)


@pytest.mark.parametrize("file", ["summary", "provenance", "labels"])
def test_a_damaged_file_is_told_and_the_others_are_still_read(tmp_path, file):
    folder = a_run(tmp_path / "run")
    Run(folder).files.write({folder.labels: object_text(Labels(("a",), ""))})
    getattr(folder, file).write_text("{}")
    row = row_of(Run(folder))
    assert row.damaged.startswith(f"{getattr(folder, file)} was refused")
    assert (row.test_accuracy is None, row.seed is None, row.tags == ()) == (
        file == "summary",
        file == "provenance",
        file == "labels",
    )


def test_a_damaged_status_is_one_of_a_process_that_died(tmp_path):
    folder = a_run(tmp_path / "run")
    folder.status.write_text("{")
    row = row_of(Run(folder))
    assert (row.state, row.started, row.damaged, row.test_accuracy) == ("died", None, None, 0.75)


def test_a_run_directly_in_a_sweeps_folder_is_a_job_of_it(tmp_path):
    folders = [a_run(tmp_path / "sweep" / name) for name in ("0", "deeper/1")]
    (tmp_path / "sweep" / "sweep.json").write_text("{}")
    sweeps = [row_of(Run(folder)).sweep for folder in folders]
    assert sweeps == [(tmp_path / "sweep").as_posix(), None]


def test_numbers_come_before_texts_and_what_is_unknown_last():
    values = [None, 0.5, "b", 10, "", "a", 2, ()]
    rows = [a_row(str(number), note=value) for number, value in enumerate(values)]
    for descending, known in (
        (False, [0.5, 2, 10, "a", "b"]),
        (True, ["b", "a", 10, 2, 0.5]),
    ):
        ordered = in_order(rows, lambda row: row.note, descending)
        assert [row.note for row in ordered][:5] == known
        assert [row.path for row in ordered][5:] == ["0", "4", "7"]


def test_equal_values_stay_in_order_in_either_direction():
    rows = [a_row(str(number), seed=number // 2) for number in range(4)]
    paths = [
        "".join(row.path for row in in_order(rows, lambda row: row.seed, descending))
        for descending in (False, True)
    ]
    assert paths == ["0123", "2301"]


def test_a_sweep_is_folded_at_the_place_of_its_first_job():
    rows = [
        a_row("a"), a_row("s/1", sweep="s"), a_row("b"), a_row("t/0", sweep="t"),
        a_row("s/0", sweep="s"),
    ]  # fmt: skip
    a, s1, b, t0, s0 = rows
    assert folded(rows, lambda sweep: False) == [a, [s1, s0], b, [t0]]
    assert folded(rows, lambda sweep: sweep == "s") == [a, s1, b, [t0], s0]
    assert folded(rows, lambda sweep: True) == rows


def test_a_sweep_in_words():
    done = [a_row("", state="done", val_accuracy=v) for v in (0.9, 0.912, None)]
    ended = [a_row("", state=state) for state in ("interrupted", "failed", "interrupted")]
    assert sweep_in_words([*done, *ended], 6) == (
        "sweep: 3 of 6 done, 1 failed, 2 interrupted  best validation 91.20 %"
    )
    assert sweep_in_words(done, 3) == "sweep: 3 of 3 done  best validation 91.20 %"
    assert sweep_in_words(done, 3, 5).startswith("sweep: 3 of 3 done, 2 not started  best")
    assert sweep_in_words(ended[:1], 6) == "sweep: 1 of 6 jobs match, 0 of 1 done, 1 interrupted"


def test_a_loss_that_is_not_finite_is_not_told(tmp_path):
    validation = ValidationResult(accuracy=0.1, loss=math.inf, count=10, wrong=9)
    row = row_of(Run(a_run(tmp_path / "run", summary=a_summary(validation=validation))))
    assert (row.val_accuracy, row.val_loss) == (0.1, None)
