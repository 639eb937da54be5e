"""What is only for people at a terminal: lines that fit its width, and a sign of life."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from cifar_lab.wording import wrapped


def say(text: str, file: TextIO | None = None) -> None:
    """Print a text; on a terminal, its lines break between words.

    Args:
        text: may have several lines.
        file: where to; None is standard output.
    """
    out = sys.stdout if file is None else file
    print(wrapped(text, shutil.get_terminal_size().columns) if out.isatty() else text, file=out)


def announce(text: str) -> None:
    """Say on a terminal what takes seconds; logs and pipes stay clean."""
    if sys.stderr.isatty():
        print(f"{text} …", file=sys.stderr, flush=True)
