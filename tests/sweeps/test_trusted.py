"""A plan is somebody else's unless this user wrote it, on this machine, as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cifar_lab.own_code import Given
from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import write_plan
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.trusted import keep_plan, refuse_foreign
from tests.results.sweeps import a_plan

PLAN = a_plan({"a": {"x": "1"}}, 1)


def test_ones_own_plan_is_run_as_long_as_it_is_as_it_was(tmp_path):
    folder = SweepFolder(tmp_path)
    keep_plan(folder, PLAN, [], None)
    assert refuse_foreign(folder, Given()) == PLAN
    write_plan(folder, replace(PLAN, launcher="submitit_slurm"), [], None)
    with pytest.raises(Refusal, match="not written by you on this machine"):
        refuse_foreign(folder, Given())
    assert refuse_foreign(folder, Given(trusted=True)).launcher == "submitit_slurm"
