"""What the ledger keeps of a sweep repeats its leaderboard, and names no folder of the machine."""

from __future__ import annotations

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.results.leaderboard import leaderboard
from cifar_lab.results.plan import write_plan
from cifar_lab.results.recorded_sweeps import read_sweeps, record_sweeps, render_sweeps
from cifar_lab.results.rows import append_row
from cifar_lab.run.sweep_folder import SweepFolder
from tests.results.sweeps import a_plan, a_row


def a_sweep(path, jobs=4, **changes):
    folder = SweepFolder(path)
    plan = a_plan({name: {"width": name} for name in "ab"}, seeds=2, **changes)
    path.mkdir(parents=True)
    write_plan(folder, plan, [], None)
    for job in plan.jobs[:jobs]:
        append_row(folder, a_row(job.number, 50.0 + job.number))
    return folder


def test_a_recorded_sweep_has_the_same_leaderboard_and_its_note(tmp_path):
    command = "cifar-lab train -m dataset.root=/home/me/images hydra.sweep.dir=/tmp/x seed=0,1"
    folder = a_sweep(tmp_path / "outputs" / "tiny" / "day" / "time", command=command)
    folder.note.write_text("Wider is better.\n")
    a_sweep(folder.path / "confirm-1", kind="confirmation", ranked=False, test="open")
    record_sweeps([folder], tmp_path / "results")
    (kept,) = read_sweeps(tmp_path / "results")
    assert leaderboard(kept).rankings == leaderboard(folder).rankings
    text = "\n".join(render_sweeps([kept]))
    assert "Wider is better." in text
    assert "Confirmation 1:" in text
    assert "| 1 | b | 52.00 ± 1.41 | 2 |" in text
    everything = "".join(p.read_text() for p in (tmp_path / "results").rglob("*") if p.is_file())
    assert "/home/me" not in everything
    assert "/tmp" not in everything
    assert "dataset.root=DIR" in everything


def test_an_unfinished_sweep_is_not_recorded(tmp_path):
    folder = a_sweep(tmp_path / "sweep", jobs=3)
    with pytest.raises(Refusal, match="1 of its jobs are left"):
        record_sweeps([folder], tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_without_sweeps_the_ledger_says_nothing_of_them():
    assert render_sweeps([]) == []
