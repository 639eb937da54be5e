"""Run folders that an earlier version wrote are read by every verb.

They lie in tests/kept_runs, whose README.txt says how they were made.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.find import find_run, point_latest
from cifar_lab.run.folder import OUTPUTS, RunFolder
from cifar_lab.run.record import Run

KEPT = Path(__file__).parents[1] / "kept_runs"
RUNS = ["validated", "found", "interrupted"]
FINISHED = ["validated", "found"]


@pytest.fixture
def runs(tmp_path, monkeypatch) -> dict[str, Run]:
    """Copies below ``outputs/``, as they were before they were kept."""
    monkeypatch.chdir(tmp_path)
    found = {}
    for name in RUNS:
        path = Path("outputs") / name / "2026-01-02" / "03-04-05-000000"
        shutil.copytree(KEPT / name, path)
        found[name] = Run(RunFolder(path))
    return found


def test_every_part_of_an_older_run_is_read(runs):
    validated, found, interrupted = (runs[name] for name in RUNS)
    assert [run.state for run in runs.values()] == ["done", "done", "interrupted"]
    assert validated.summary.validation is not None
    assert found.summary.validation is None
    assert not interrupted.finished
    assert found.lr_finder is not None
    written = json.loads((KEPT / "found" / "provenance.json").read_text())
    assert found.lr_finder.max_lr == written["max_lr_found"]
    assert validated.maps.trust is not None
    # Of another definition: averages of classes that were predicted anew, and GradCAM alone.
    assert validated.maps.gallery is None
    assert validated.maps.averaged is None
    for run in runs.values():
        targets = [node["_target_"] for node in run.config.values() if "_target_" in str(node)[:20]]
        assert targets
        assert all(t.count(".") == 2 for t in targets if t.startswith("cifar_lab."))
        assert run.provenance.differences
    assert validated.predictions.validation is None
    assert len(validated.predictions.test.logits) == 360


def test_ls_lists_them(runs, capsys):
    assert main(["ls"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["done", "interrupted", "done"]
    accuracy = json.loads((KEPT / "validated" / "summary.json").read_text())["test"]["accuracy"]
    assert f"{accuracy:.2%}" in lines[3]


@pytest.mark.parametrize("name", FINISHED)
def test_eval_gives_the_recorded_accuracy(name, runs, capsys):
    assert main(["eval", name]) == 0
    said = capsys.readouterr()
    assert "difference +0.00 points" in said.out
    assert "has no manifest.json, as it was made by an older version" in said.err
    assert "its files are not verified" in said.err


@pytest.mark.parametrize("name", FINISHED)
def test_report_and_explain_draw_them(name, runs, capsys):
    run = runs[name]
    has_trust = run.folder.trust.is_file()
    assert main(["report", name, "report.misclassified=4"]) == 0
    assert run.folder.report.is_file()
    again = Run(run.folder)
    assert again.maps.gallery is not None
    assert again.maps.averaged is not None
    assert ("Verdict: " in run.folder.report_markdown.read_text()) is has_trust
    assert main(["explain", name]) == 0


def test_rerun_gives_the_same_numbers(runs):
    words = ["report.enabled=false", "hydra.run.dir=outputs/again"]
    assert main(["rerun", "validated", *words]) == 0
    again = Run(RunFolder(Path("outputs/again")))
    before = [row["train_loss"] for row in runs["validated"].metrics]
    np.testing.assert_allclose([row["train_loss"] for row in again.metrics], before, rtol=1e-4)
    assert again.provenance.seed == runs["validated"].provenance.seed


def test_resume_continues_the_interrupted_one(runs):
    assert main(["resume", "interrupted"]) == 0
    run = Run(runs["interrupted"].folder)
    assert run.state == "done"
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3]
    assert run.provenance == runs["interrupted"].provenance  # written then, and left as it was
    assert len(run.status.resumed) == 1
    first = json.loads((KEPT / "interrupted" / "status.json").read_text())["started"]
    assert run.status.started == first


def test_record_keeps_them(runs):
    Path("experiments").mkdir()
    assert main(["record", *FINISHED]) == 0
    ledger = Path("experiments/README.md").read_text()
    for name in FINISHED:
        accuracy = 100 * runs[name].summary.test.accuracy
        assert f"| {name} | " in ledger
        assert f"| {accuracy:.2f} |" in ledger


def test_best_and_latest_know_them(runs):
    assert find_run(OUTPUTS, "best") == runs["validated"]
    point_latest(OUTPUTS, runs["found"].folder.path)
    assert find_run(OUTPUTS, "latest") == runs["found"]
