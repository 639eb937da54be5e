"""Enters the result of a job into the leaderboard of its sweep."""

from __future__ import annotations

from cifar_lab.results.leaderboard import leaderboard
from cifar_lab.results.leaderboard_text import as_csv, as_markdown
from cifar_lab.results.rows import Row, append_row, rows_locked
from cifar_lab.run.files import write_atomically
from cifar_lab.run.sweep_folder import SweepFolder


def enter(folder: SweepFolder, row: Row) -> None:
    """Append the row of a job that has ended, and replace the leaderboard; one process at a time.

    Args:
        folder: of the sweep.
        row: of the job.
    """
    with rows_locked(folder):
        append_row(folder, row)
        board = leaderboard(folder)
        write_atomically(folder.leaderboard_csv, as_csv(board))
        write_atomically(folder.leaderboard_markdown, as_markdown(board, folder.path.name))
