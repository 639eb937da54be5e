"""Rows are appended; a line that a killed process left unfinished costs no other."""

from __future__ import annotations

from cifar_lab.results.rows import append_row, read_rows
from cifar_lab.run.sweep_folder import SweepFolder
from tests.results.sweeps import a_row


def test_of_several_rows_of_a_job_the_last_one_counts(tmp_path):
    folder = SweepFolder(tmp_path)
    append_row(folder, a_row(3, 50.0, state="failed", error="x"))
    append_row(folder, a_row(4, 60.0))
    append_row(folder, a_row(3, 70.0))
    assert {number: row.val_accuracy for number, row in read_rows(folder).items()} == {
        3: 0.7, 4: 0.6
    }  # fmt: skip


def test_an_unfinished_line_is_left_out_and_ended_before_the_next(tmp_path):
    folder = SweepFolder(tmp_path)
    append_row(folder, a_row(1, 50.0))
    with folder.rows.open("a") as file:
        file.write('{"format": 5, "number": 2, "sta')
    append_row(folder, a_row(3, 60.0))
    assert sorted(read_rows(folder)) == [1, 3]


def test_only_a_finished_job_has_an_objective():
    assert a_row(0, 50.0).objective("val_accuracy") == 0.5
    assert a_row(0, 50.0).objective("val_loss") == 1.0
    assert a_row(0, 50.0, state="failed").objective("val_accuracy") is None
