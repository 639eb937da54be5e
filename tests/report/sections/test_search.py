"""The section of a search says how it went; other sweeps have none."""

from __future__ import annotations

import dataclasses

from cifar_lab.report.blocks import Chart, Table, Text
from cifar_lab.report.sections.search import search
from cifar_lab.results.plan import write_plan
from cifar_lab.results.rows import PRUNED, Row, append_row
from cifar_lab.results.search import Importances, Jobless
from cifar_lab.run.files import write_object
from cifar_lab.run.summary import ValidationResult
from cifar_lab.run.sweep_folder import SweepFolder
from tests.made import a_status, a_summary
from tests.sweeps.searches import a_plan


def a_folder(tmp_path, plan):
    folder = SweepFolder(tmp_path)
    jobs = tuple(dataclasses.replace(job, values={"x": f"0.{job.number}"}) for job in plan.jobs)
    write_plan(folder, dataclasses.replace(plan, jobs=jobs), [], None)
    return folder


def a_search():
    plan = a_plan(3)
    jobless = (Jobless(3, {"x": "0.9"}, "x=0.9: is too much", None), Jobless(4, {}, None, 1))
    found = dataclasses.replace(
        plan.search, space={"x": "interval(0,1)"}, jobless=jobless, library="optuna 5.0.0"
    )
    return dataclasses.replace(plan, search=found)


def test_the_section_of_a_search(tmp_path):
    folder = a_folder(tmp_path, a_search())
    for number, value in enumerate((0.5, 0.8)):
        append_row(folder, Row(number, "done", None, 1, value, 1.0))
    append_row(folder, Row(2, "done", None, 1, 0.3, 1.0, stopped=f"{PRUNED}worse"))
    run = folder.job("job1")
    run.path.mkdir()
    write_object(run.status, a_status())
    summary = a_summary(validation=ValidationResult(accuracy=0.8, loss=0.4, count=400, wrong=80))
    write_object(run.summary, summary)
    write_object(folder.importances, Importances("PED-ANOVA", 9, {"x": 1.0}))
    section = search(folder)
    told, best, important, last = (b.text for b in section.blocks if isinstance(b, Text))
    assert told.startswith(
        "5 of 3 trials, chosen by a tree-structured Parzen estimator (optuna 5.0.0, seed 0): "
        "3 done, 1 pruned and 1 failed."
    )
    assert "trial 3 (x=0.9: is too much)" in told
    assert "1 trial repeats an earlier one" in told
    assert best == "The best of 5 trials is trial 1 with a validation accuracy of 80.00 %."
    assert important == "Importance of each key: x (100 %)."
    charts = [block for block in section.blocks if isinstance(block, Chart)]
    assert [picture.name for chart in charts for picture in chart.pictures] == [
        "search_history", "search_importances", "search_key_1",
    ]  # fmt: skip
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    assert table.header[2] == "trial 1, the best"
    assert table.rows == [["x", "interval(0,1)", "0.1"]]
    # sqrt(0.8 * 0.2 / 400) = 0.02, and the expected maximum of 3 normal numbers is 0.8463.
    assert "400 validation images deviate by 2.00 points" in last
    assert "up to 1.69 points better" in last


def test_other_sweeps_and_searches_without_trials_have_no_section(tmp_path):
    plan = a_plan(0)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert search(a_folder(tmp_path / "a", plan)) is None
    assert search(a_folder(tmp_path / "b", dataclasses.replace(plan, search=None))) is None
