"""Redraws the page of a sweep beside its jobs, at most every half minute."""

from __future__ import annotations

import logging
import time

from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import first_sentence

log = logging.getLogger("cifar_lab")

#: Least time between two drawings.
EVERY_SECONDS = 30.0


class Redrawing:
    """Redraws the page when it is due.

    Args:
        folder: of the sweep.
    """

    def __init__(self, folder: SweepFolder) -> None:
        self._folder = folder
        self._drawn_at, self._drawn_size = time.monotonic(), _size(folder)

    def if_due(self) -> None:
        """Redraw the page if a job has ended since, and half a minute has passed."""
        due = time.monotonic() - self._drawn_at >= EVERY_SECONDS
        if due and _size(self._folder) != self._drawn_size:
            self._drawn_size = _size(self._folder)
            redraw(self._folder)
            self._drawn_at = time.monotonic()


def redraw(folder: SweepFolder) -> None:
    """Draw the page; a page that fails costs nothing else, and is told."""
    try:
        from cifar_lab.report.pages.sweep import write_sweep  # importing matplotlib takes a second

        write_sweep(folder)
    except Exception as error:  # whatever happens, the jobs go on
        log.warning(
            f"{folder.page} could not be drawn: {type(error).__name__}: {first_sentence(error)}"
        )


def _size(folder: SweepFolder) -> int:
    return folder.rows.stat().st_size if folder.rows.is_file() else 0
