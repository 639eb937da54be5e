"""The report of one run: every section in order, as HTML, as Markdown and as PNG files."""

from __future__ import annotations

from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report.blocks import Page
from cifar_lab.report.page import page_files
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.attribution import attribution
from cifar_lab.report.sections.data import data
from cifar_lab.report.sections.errors import errors
from cifar_lab.report.sections.origin import model, origin
from cifar_lab.report.sections.predictions import classes, confidence, confusions
from cifar_lab.report.sections.result import first_screen, lead
from cifar_lab.report.sections.training import training


def write_report(reading: Reading, maps: ReportMaps) -> None:
    """Write the figures, report.html and report.md.

    Args:
        reading: the run as its report reads it.
        maps: the attribution maps.
    """
    page = Page(
        title=reading.title,
        lead=lead(reading),
        blocks=first_screen(reading),
        sections=[
            training(reading),
            classes(reading),
            confusions(reading),
            confidence(reading),
            errors(reading, maps),
            attribution(reading, maps),
            data(reading),
            model(reading),
            origin(reading),
        ],
    )
    reading.run.files.write(page_files(page, reading.run.folder.report))
