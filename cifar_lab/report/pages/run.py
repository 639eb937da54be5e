"""The report of one run: every section in order, as HTML, as Markdown and as PNG files."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_lab.explain.explained import Averaged, Explained
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


def write_report(
    reading: Reading, explained: Sequence[Explained], averaged: Averaged | None
) -> None:
    """Write the figures, report.html and report.md.

    Args:
        reading: the run as its report reads it.
        explained: maps of the gallery's images at each layer; empty without errors or a layer.
        averaged: averaged maps; None if they were not requested, or without a layer.
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
            errors(reading, explained),
            attribution(reading, explained, averaged),
            data(reading),
            model(reading),
            origin(reading),
        ],
    )
    reading.run.files.write(page_files(page, reading.run.folder.report))
