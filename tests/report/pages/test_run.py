"""Tests that a report leaves nothing of an earlier one, and everything of others."""

from __future__ import annotations

import pytest

from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report.pages.run import write_report
from cifar_lab.run.claim import claim
from cifar_lab.run.drawn import DrawnFigure, read_drawn, write_drawn
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.store import Store
from tests.report.readings import reading


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "net" / "2026-01-02" / "1")
    claim(folder, {})
    return folder


def test_figures_of_an_earlier_report_are_removed_with_their_entries(folder):
    files = Store(folder)
    files.write({folder.figure("attributions-2"): b"earlier", folder.figure("curves"): b"earlier"})
    write_drawn(files, "why", [(DrawnFigure("explained", "why", "A map."), b"\x89PNG of explain")])
    (folder.path / "figures" / "mine.png").write_bytes(b"somebody's")
    write_report(reading(folder=folder.path, drawn=read_drawn(files)), ReportMaps([], None))
    there = {path.name for path in (folder.path / "figures").iterdir()}
    listed = {path.name for path in Store(folder).listed("figures")}
    assert "attributions-2.png" not in there
    assert {"curves.png", "explained.png"} < listed
    assert there == listed | {"mine.png"}
    assert Store(folder).read(folder.figure("curves")) != b"earlier"


def test_nothing_is_removed_from_a_run_from_before(folder):
    folder.manifest.unlink()
    Store(folder).write({folder.figure("attributions-2"): b"earlier"})
    write_report(reading(folder=folder.path), ReportMaps([], None))
    assert folder.figure("attributions-2").read_bytes() == b"earlier"
