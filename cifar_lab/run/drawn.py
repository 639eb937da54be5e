"""attributions/figures.json: the figures that ``explain RUN`` drew, which a report then shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import read_object, write_atomically, write_object
from cifar_lab.run.folder import LONGEST_NAME, RunFolder


@dataclass(frozen=True)
class DrawnFigure:
    """A figure of attribution maps.

    Attributes:
        name: file name in ``figures/``, without the extension.
        question: what it answers; a new answer replaces all figures of the old one.
        caption: what it shows.
    """

    name: str
    question: str
    caption: str


@dataclass(frozen=True)
class DrawnFigures:
    """All such figures of a run, the latest last."""

    figures: tuple[DrawnFigure, ...]


def read_drawn(folder: RunFolder) -> tuple[DrawnFigure, ...]:
    """Read which figures there are; none if ``explain`` has drawn none.

    Raises:
        Refusal: the file is damaged, or names a file outside of ``figures/``.
    """
    path = folder.drawn_figures
    if not path.is_file():
        return ()
    figures = read_object(path, DrawnFigures).figures
    for figure in figures:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", figure.name):
            raise Refusal(
                f"{path}: figures: {figure.name[:LONGEST_NAME]!r} is not the name of a figure; "
                "restore a copy of the file"
            )
    return figures


def write_drawn(
    folder: RunFolder, question: str, figures: Sequence[tuple[DrawnFigure, bytes]]
) -> None:
    """Write the figures that answer a question, in place of those of an earlier answer."""
    drawn = read_drawn(folder)
    for figure, png in figures:
        write_atomically(folder.figure(figure.name), png)
    kept = tuple(figure for figure in drawn if figure.question != question)
    now = tuple(figure for figure, _ in figures)
    write_object(folder.drawn_figures, DrawnFigures(kept + now))
    current = {figure.name for figure in now}
    for figure in drawn:
        if figure.question == question and figure.name not in current:
            folder.figure(figure.name).unlink(missing_ok=True)
