"""What a search recorded of itself is read as it was written."""

from __future__ import annotations

import dataclasses

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import read_plan, write_plan
from cifar_lab.results.search import Importances, Jobless, read_importances
from cifar_lab.run.files import write_object
from cifar_lab.run.sweep_folder import SweepFolder
from tests.sweeps.searches import a_plan


def test_the_plan_of_a_search_is_read_as_it_was_written(tmp_path):
    folder, plan = SweepFolder(tmp_path), a_plan(0)
    jobless = (Jobless(0, {"+optimizer.lr": "1"}, "no", None), Jobless(1, {}, None, 0))
    search = dataclasses.replace(plan.search, space={"x": "interval(0,1)"}, jobless=jobless)
    plan = dataclasses.replace(plan, search=search)
    write_plan(folder, plan, [], None)
    assert read_plan(folder) == plan
    assert plan.search.chosen == 2


def test_importances_are_read_as_they_were_written_and_may_be_missing(tmp_path):
    folder = SweepFolder(tmp_path)
    assert read_importances(folder) is None
    found = Importances("PED-ANOVA", 9, {"optimizer.lr": 0.75, "model.width": 0.25})
    write_object(folder.importances, found)
    assert read_importances(folder) == found
    folder.importances.write_text("{}")
    with pytest.raises(Refusal, match=r"search\.json"):
        read_importances(folder)
