"""Frees space: a finished run needs no checkpoint to be resumed from."""

from __future__ import annotations

from pathlib import Path

from cifar_lab.run.hashed import read_hashed
from cifar_lab.run.record import Run


def resumable_files(run: Run) -> list[Path]:
    """Return the files of a run's last checkpoint that nothing needs any more.

    Only of a finished run, which is not resumed, and only beside its best checkpoint, which is the
    one that all its results refer to.
    """
    folder = run.folder
    if run.state != "done" or not run.finished or not folder.best_checkpoint.is_file():
        return []
    last = folder.last_checkpoint
    return [path for path in (last, last.with_name(f"{last.name}.sha256")) if path.is_file()]


def prune(run: Run) -> int:
    """Delete :func:`resumable_files` of a run, once its best checkpoint was verified.

    Returns:
        How many bytes were freed.

    Raises:
        Refusal: the best checkpoint is damaged; nothing was deleted.
        OSError: a file could not be read or deleted.
    """
    paths, best = resumable_files(run), run.folder.best_checkpoint
    freed = sum(path.stat().st_size for path in paths)
    if paths:
        read_hashed(best) if run.files.manifest is None else run.files.read(best)
        run.files.remove(paths)
    return freed
