"""The private list of the runs that this user made on this machine.

It lies in the user's state folder, where no run folder that is handed on can change it. A run's id
alone would not do: whoever was handed a run of this user's knows it. Each line therefore also holds
the hash of what the run says about places on this machine.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from pathlib import Path

log = logging.getLogger("cifar_lab")


def state_folder() -> Path:
    """Return the user's state folder for this program."""
    home = os.environ.get("XDG_STATE_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path.home() / ".local" / "state"
    return base / "cifar-lab"


def remember(identity: str, says: str) -> None:
    """Enter a run; a folder that cannot be written costs no run.

    Args:
        identity: the run's id.
        says: the text that is believed of this run only.
    """
    path = state_folder() / "runs"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            file.write(_line(identity, says))
    except OSError as error:
        log.warning(
            f"the run could not be entered in {path} ({error}): where it uses Python files of your "
            "own, pass --config-dir to read it"
        )


def is_mine(identity: str, says: str) -> bool:
    """Whether this user made the run on this machine, and it says what it said then.

    A list that others may write, or that is another user's, is not believed.
    """
    path = state_folder() / "runs"
    try:
        with path.open() as file:
            status = os.fstat(file.fileno())
            private = not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
            return private and status.st_uid == os.getuid() and _line(identity, says) in file
    except (OSError, ValueError):
        return False


def _line(identity: str, says: str) -> str:
    return f"{identity} {hashlib.sha256(says.encode()).hexdigest()}\n"
