"""Remembers what was sent of a run to a tracker: hooks/NAME/sent.json."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cifar_lab.run.files import read_object, write_object

#: Name of the file below the hook's folder.
SENT = "sent.json"


@dataclass(frozen=True)
class Sent:
    """What was sent.

    Attributes:
        id: name of the run at the tracker; None before anything was sent.
        where: the tracker's settings; with others, nothing counts as sent.
        epochs: number of epochs that were sent.
        state: of the run when it was sent last.
        files: SHA-256 of the files that were sent, by their name at the tracker.
    """

    id: str | None
    where: dict[str, str | None]
    epochs: int
    state: str
    files: dict[str, str]


def nothing_sent(where: dict[str, str | None]) -> Sent:
    """Return that nothing was sent to a tracker with these settings."""
    return Sent(None, where, 0, "running", {})


def read_sent(place: Path, where: dict[str, str | None]) -> Sent:
    """Read what was sent to a tracker with these settings.

    Raises:
        Refusal: the file is damaged.
    """
    path = place / SENT
    found = read_object(path, Sent) if path.is_file() else nothing_sent(where)
    return found if found.where == where else nothing_sent(where)


def write_sent(place: Path, sent: Sent) -> None:
    """Remember what was sent."""
    write_object(place / SENT, sent)


def hashed(files: dict[str, Path]) -> dict[str, str]:
    """Return the SHA-256 of each file's content."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
