"""The page that compares runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cifar_lab.report import attempts
from cifar_lab.report.blocks import Page, Section
from cifar_lab.report.fonts import without_font
from cifar_lab.report.page import write_page
from cifar_lab.report.sections.compare_classes import classes
from cifar_lab.report.sections.compare_curves import cost, curves
from cifar_lab.report.sections.compare_images import Pictures, images
from cifar_lab.report.sections.compare_ranking import ranked
from cifar_lab.report.sections.compare_result import configurations, measures, result
from cifar_lab.results.comparison import Comparison
from cifar_lab.wording import plural


def write_comparison(comparison: Comparison, pictures: Pictures | None, path: Path) -> None:
    """Write ``compare.html``, the same as Markdown, and ``figures/`` beside it.

    Args:
        comparison: of at least two runs.
        pictures: of two networks; None for other comparisons.
        path: of the HTML page.
    """
    write_page(comparison_page(comparison, pictures), path)


def comparison_page(comparison: Comparison, pictures: Pictures | None) -> Page:
    """A table, what differs, curves, classes and images."""
    names = [each.name for each in comparison.configurations]
    runs = sum(len(each.runs) for each in comparison.configurations)
    sections: list[Section | None] = [
        configurations(comparison),
        ranked(comparison),
        measures(comparison),
        attempts.section("Curves", partial(curves, comparison)),
        cost(comparison),
        classes(comparison),
    ]
    if comparison.flips is not None and pictures is not None:
        sections.append(images(comparison, comparison.flips, pictures))
    return Page(
        title=" and ".join(names) if len(names) == 2 else f"{len(names):,} configurations",
        lead=f"Comparison of {plural(runs, 'run', 'runs')}.",
        blocks=[*result(comparison), *without_font(comparison.classes)],
        sections=[each for each in sections if each is not None],
    )
