"""What may happen to a run from outside, as one message that says what to do next."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Iterator

from cifar_lab.data.workers import lost_worker
from cifar_lab.refusal import RunFailed
from cifar_lab.run.folder import RunFolder

#: How long the news of a worker's death may take.
SIGCHLD_SECONDS = 1.0
#: What the system says when nothing more fits: on the disk, in a quota, in a limit on files.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def explained_failures(folder: RunFolder, command: str) -> Iterator[None]:
    """Turn failures of the machine inside into :class:`RunFailed`.

    Args:
        folder: of the run.
        command: starts the run anew.

    Raises:
        RunFailed: a file could not be read or written, or a loader worker was killed.
    """
    resume = f"continue with `cifar-lab resume {folder.path}`"
    try:
        yield
    except (RuntimeError, ConnectionResetError, EOFError) as error:
        lost = described_loss(_told_at_last(error))
        if lost is None:
            raise
        raise RunFailed(f"{lost}, then {resume}") from error
    except OSError as error:
        if not folder.path.is_dir():
            raise RunFailed(
                f"{folder.path} was deleted or moved while the run was using it; if it was moved, "
                f"continue with `cifar-lab resume` and its new path, else start anew: {command}"
            ) from error
        if error.errno in FULL:
            raise RunFailed(f"{error}; free some space, then {resume}") from error
        raise RunFailed(f"{error}; when this is put right, {resume}") from error


def _told_at_last(error: Exception) -> Exception:
    """Wait for what torch's handler of SIGCHLD raises a moment after a connection breaks."""
    if isinstance(error, RuntimeError):
        return error
    try:
        time.sleep(SIGCHLD_SECONDS)
    except RuntimeError as told:
        return told
    return error


def described_loss(error: Exception) -> str | None:
    """Say that a loader worker was killed and what to do; None if the error means another thing."""
    lost = lost_worker(error)
    if lost is None:
        return None
    return f"{lost}; workers are most often killed for lack of memory: free some"
