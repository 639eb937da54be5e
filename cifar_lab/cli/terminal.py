"""What is only for people at a terminal: lines that fit its width, and a sign of life."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from cifar_lab.wording import printable_lines, wrapped


def say(text: str, file: TextIO | None = None) -> None:
    """Print a text; on a terminal, its lines break between words.

    Nothing in it controls the terminal: parts may be a stranger's, as names in a bundle are.

    Args:
        text: may have several lines.
        file: where to; None is standard output.
    """
    out = sys.stdout if file is None else file
    shown = printable_lines(text)
    print(wrapped(shown, shutil.get_terminal_size().columns) if out.isatty() else shown, file=out)


def announce(text: str) -> None:
    """Say on a terminal what takes seconds; logs and pipes stay clean."""
    if sys.stderr.isatty():
        print(f"{text} …", file=sys.stderr, flush=True)
