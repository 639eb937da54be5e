"""What has ended is entered, also if the process that ran it died before it could."""

from __future__ import annotations

from cifar_lab.results.plan import write_plan
from cifar_lab.results.rows import Row, append_row, read_rows
from cifar_lab.run.files import write_object
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.ended import enter_missing, has_ended, outcome_of
from tests.made import a_status
from tests.sweeps.searches import a_plan


def test_jobs_that_failed_and_those_that_are_left_are_counted(tmp_path):
    folder, plan = SweepFolder(tmp_path), a_plan(4)
    for number, state in enumerate(("done", "failed", "interrupted")):
        append_row(folder, Row(number, state, None, 1))
    outcome = outcome_of(folder, plan)
    assert (outcome.failed, outcome.left) == (1, 2)


def test_a_job_that_ended_without_being_entered_is_entered(tmp_path):
    folder, plan = SweepFolder(tmp_path), a_plan(3)
    write_plan(folder, plan, [], None)
    for number, state in ((0, "failed"), (1, "interrupted")):
        run = folder.job(plan.jobs[number].name)
        run.path.mkdir()
        write_object(run.status, a_status(state=state, error="it broke"))
    assert [has_ended(folder, job) for job in plan.jobs] == [True, False, False]
    enter_missing(folder, plan)
    rows = read_rows(folder)
    assert list(rows) == [0]
    assert (rows[0].state, rows[0].error) == ("failed", "it broke")
