"""attributions/figures.json: the figures that ``explain RUN`` drew, which a report then shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import object_text, read_object
from cifar_lab.run.folder import LONGEST_NAME
from cifar_lab.run.store import Store


@dataclass(frozen=True)
class DrawnFigure:
    """A figure of attribution maps.

    Attributes:
        name: file name in ``figures/``, without the extension.
        question: what it answers; a new answer replaces all figures of the old one.
        caption: what it shows.
        command: which draws it; empty in files of older versions.
        drawn: when it was drawn, in ISO 8601 with the offset from UTC; likewise.
    """

    name: str
    question: str
    caption: str
    command: str = ""
    drawn: str = ""


@dataclass(frozen=True)
class DrawnFigures:
    """All such figures of a run, the latest last."""

    figures: tuple[DrawnFigure, ...]


def read_drawn(files: Store) -> tuple[DrawnFigure, ...]:
    """Read which figures there are; none if ``explain`` has drawn none.

    Raises:
        Refusal: the file is damaged, or names a file outside of ``figures/``.
    """
    path = files.folder.drawn_figures
    if not files.has(path):
        return ()
    figures = read_object(path, DrawnFigures, files.read).figures
    for figure in figures:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", figure.name):
            raise Refusal(
                f"{path}: figures: {figure.name[:LONGEST_NAME]!r} is not the name of a figure; "
                "restore a copy of the file"
            )
    return figures


def write_drawn(files: Store, question: str, figures: Sequence[tuple[DrawnFigure, bytes]]) -> None:
    """Write the figures that answer a question, in place of those of an earlier answer."""
    folder, drawn = files.folder, read_drawn(files)
    kept = tuple(figure for figure in drawn if figure.question != question)
    now = tuple(figure for figure, _ in figures)
    files.write(
        {
            **{folder.figure(figure.name): png for figure, png in figures},
            folder.drawn_figures: object_text(DrawnFigures(kept + now)),
        }
    )
    needed = {figure.name for figure in kept + now}
    files.remove([folder.figure(f.name) for f in drawn if f.name not in needed])
