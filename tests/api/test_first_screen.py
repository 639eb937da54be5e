"""The first screen of a report is small, complete and safe to show."""

from __future__ import annotations

import base64
import dataclasses
import re
from pathlib import Path

from cifar_lab.api.first_screen import Report, first_screen


def test_it_has_the_results_the_curves_and_a_link(run):
    found = first_screen(run.recorded)
    accuracy = f"{100 * run.summary.test.accuracy:.2f} %"
    assert ("Test accuracy", accuracy) in found.facts
    page = found._repr_html_()
    assert accuracy in page
    assert f'<a href="{run.path.as_posix()}/report.html">' in page
    (image,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(image).startswith(b"\x89PNG")
    assert len(page) < 300_000
    assert f"Test accuracy: {accuracy}" in repr(found)


def test_a_report_is_drawn_if_there_is_none(run):
    page = run.path / "report.html"
    page.unlink(missing_ok=True)
    assert run.report().path == page
    assert "Confusion" in page.read_text()
    before = page.stat().st_mtime_ns
    run.report()
    assert page.stat().st_mtime_ns == before


def test_texts_are_escaped():
    found = Report(Path("a&b"), "<script>", (("<i>", "1 < 2"),), b"png")
    assert "<script>" not in found._repr_html_()
    assert "&lt;script&gt;" in found._repr_html_()
    assert dataclasses.is_dataclass(found)
