"""The report of one run: every section in order, as HTML, as Markdown and as PNG files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report import attempts
from cifar_lab.report.blocks import Page, Text
from cifar_lab.report.fonts import without_font
from cifar_lab.report.page import page_files
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.attribution import attribution
from cifar_lab.report.sections.confidence import confidence
from cifar_lab.report.sections.data import data
from cifar_lab.report.sections.errors import errors
from cifar_lab.report.sections.origin import model, origin
from cifar_lab.report.sections.predictions import classes, confusions
from cifar_lab.report.sections.result import first_screen, lead
from cifar_lab.report.sections.robustness import robustness
from cifar_lab.report.sections.training import training
from cifar_lab.run.record import Run


def write_report(
    reading: Reading,
    maps: ReportMaps,
    warnings: Sequence[Text] = (),
    started: float | None = None,
) -> None:
    """Write the figures, report.html and report.md, in place of those of an earlier report.

    Args:
        reading: the run as its report reads it.
        maps: the attribution maps.
        warnings: what could not be computed for the report.
        started: when it was begun, as :func:`time.monotonic` gives it; None leaves its duration
            out.
    """
    measured = reading.run.robustness
    sections = {
        "Training": partial(training, reading),
        "Classes": partial(classes, reading),
        "Confusions": partial(confusions, reading),
        "Confidence": partial(confidence, reading),
        **({} if measured is None else {"Robustness": partial(robustness, measured)}),
        "Misclassified images": partial(errors, reading, maps),
        "Attribution": partial(attribution, reading, maps),
        "Data": partial(data, reading),
        "Model": partial(model, reading),
        "Run it again": partial(origin, reading),
    }
    drawn = [attempts.section(title, make) for title, make in sections.items()]
    seconds = None if started is None else time.monotonic() - started
    page = Page(
        title=reading.title,
        lead=lead(reading.run),
        blocks=[
            *attempts.blocks("The results", partial(first_screen, reading, seconds)),
            *warnings,
            *without_font(reading.class_names),
        ],
        sections=drawn,
    )
    _replace(reading.run, page_files(page, reading.run.folder.report))


def _replace(run: Run, contents: Mapping[Path, str | bytes]) -> None:
    """Write the files of a report, and remove the figures that only an earlier one had."""
    shown = {*contents, *(run.folder.figure(figure.name) for figure in run.maps.drawn)}
    run.files.write(contents)
    run.files.remove([path for path in run.files.listed("figures") if path not in shown])
