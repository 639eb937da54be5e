"""What fails is left out with a warning in its place; everything else is drawn."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report import attempts
from cifar_lab.report.blocks import Finding, Picture, Section, Text
from cifar_lab.report.figures import predictions, training
from cifar_lab.report.pages import run as page
from cifar_lab.report.sections import verdicts
from tests.report.readings import reading


def fails(*_, **__):
    raise ValueError("left cannot be >= right\nand more")


def told_by(caplog) -> list[str]:
    """What a terminal shows; tracebacks are logged at debug level."""
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.INFO]


def test_a_figure_that_fails_leaves_a_warning_in_its_place(caplog):
    block = attempts.picture("curves", fails, alt="a", caption="c")
    said = "The figure curves could not be drawn: ValueError: left cannot be >= right"
    assert block == Text(f"{said}. All else in this report is unaffected.", warning=True)
    assert told_by(caplog) == [said]


def test_a_figure_that_can_be_drawn_is_the_picture():
    block = attempts.picture("curves", lambda: b"png", alt="a", caption="c", width="natural")
    assert block == Picture("curves", b"png", "a", "c", "natural")


def test_a_section_that_fails_keeps_its_title():
    found = attempts.section("Training", fails)
    assert found.title == "Training"
    assert found.blocks[0].warning
    assert attempts.section("x", lambda: Section("x", [])) == Section("x", [])


def test_a_check_that_fails_is_told_and_one_that_does_not_is_its_finding(caplog):
    told = attempts.finding("calibration", fails)
    assert isinstance(told, Text)
    assert told.warning
    assert told.text.startswith("The check of calibration could not be made: ValueError: ")
    found = Finding("it is off", "Confidence")
    assert attempts.finding("calibration", lambda: found) is found
    assert attempts.finding("calibration", lambda: None) is None


@pytest.mark.parametrize(
    ("place", "name", "told"),
    [
        (training, "curves", "The figure curves could not be drawn"),
        (predictions, "confusion_matrix", "The figure confusion could not be drawn"),
        (page, "data", "The section “Data” could not be drawn"),
        (page, "first_screen", "The results could not be drawn"),
        (verdicts, "calibration", "The check of calibration could not be made"),
    ],
)
def test_a_report_is_written_whatever_fails_in_it(tmp_path, monkeypatch, caplog, place, name, told):
    monkeypatch.setattr(place, name, fails)
    folder = tmp_path / "net" / "2026-01-02" / "1"
    page.write_report(reading(folder=folder), ReportMaps([], None))
    html, markdown = (folder / f"report.{kind}" for kind in ("html", "md"))
    for content in (html.read_text(), markdown.read_text()):
        assert told in content
        assert "Run it again" in content
    assert [message.split(":")[0] for message in told_by(caplog)] == [told]
    assert len(list((folder / "figures").glob("*.png"))) > 5


def test_the_folder_of_a_report_is_made(tmp_path: Path):
    folder = tmp_path / "net" / "2026-01-02" / "1"
    page.write_report(reading(folder=folder), ReportMaps([], None))
    assert "could not be drawn" not in (folder / "report.md").read_text()
