"""Commits of what a run was made with: of the package, and of a user's own Python files."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Environment variable that tells the commit where git cannot, as in a copy of the files.
STATED_COMMIT = "CIFAR_LAB_COMMIT"
#: What ``record`` writes, for example between the runs of ``make studies``; it affects no run.
RECORDED = (":(top,exclude)experiments/results", ":(top,exclude)experiments/README.md")


@dataclass(frozen=True)
class Git:
    """A commit, and whether files were changed since."""

    commit: str
    dirty: bool

    @property
    def short(self) -> str:
        """As text: the first digits of the commit, and a mark if there were changes."""
        return f"{self.commit[:12]}{' (changed)' if self.dirty else ''}"


def git_state(inside: Path) -> Git | None:
    """Commit of the checkout that contains the package, and whether there are later changes.

    Recorded results do not count as changes. Where git cannot tell, CIFAR_LAB_COMMIT does: the
    hash, followed by ``-dirty`` if there were changes (``git describe --always --abbrev=0 --dirty``
    writes it so).
    """
    try:
        # It fails for an installed wheel.
        _git(inside, "ls-files", "--error-unmatch", str(Path(__file__)))
        changed = _git(inside, "status", "--porcelain", "--", ":/", *RECORDED)
        return Git(_git(inside, "rev-parse", "HEAD"), bool(changed))
    except (OSError, subprocess.CalledProcessError):
        stated = re.fullmatch(r"([0-9a-f]{40})(-dirty)?", os.environ.get(STATED_COMMIT, "").strip())
        return Git(stated[1], bool(stated[2])) if stated else None


def git_of(files: Sequence[Path]) -> Git | None:
    """Commit of the checkout that contains some files, and whether one of these is not as in it.

    Other files of the checkout do not count: they may be the runs themselves.

    Returns:
        None if git has none of the files.
    """
    if not files:
        return None
    inside, names = files[0].parent, [str(file.resolve()) for file in files]
    try:
        if not _git(inside, "ls-files", "--", *names):
            return None
        changed = _git(inside, "status", "--porcelain", "--ignored", "--", *names)
        return Git(_git(inside, "rev-parse", "HEAD"), bool(changed))
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(inside: Path, *arguments: str) -> str:
    # Otherwise git would refresh its index, and a run killed meanwhile would leave it locked.
    command = ["git", "--no-optional-locks", "-C", str(inside), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
