"""Loads configurations section by section: runs share most of them, and YAML is slow to parse."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from cifar_lab.refusal import Refusal
from cifar_lab.run.yaml_text import load

#: Begins a section: a plain key at the start of a line. What follows is indented, or is a list.
KEY = re.compile(r"^(?=[A-Za-z_]\w*:(?: |$))", re.MULTILINE)
#: Begins another document.
MARKER = re.compile(r"^(?:---|\.\.\.)", re.MULTILINE)
#: How many sections are kept, and the longest text that is taken apart, in characters.
KEPT, LONGEST = 4096, 30_000


def load_shared(path: Path | str, text: str) -> Any:
    """Load YAML as :func:`cifar_lab.run.yaml_text.load` does; each section is parsed once.

    Args:
        path: of the file, for messages.
        text: its content.

    Returns:
        What it contains, of which sections are shared with other calls: not to be changed.

    Raises:
        Refusal: likewise.
    """
    whole = len(text) > LONGEST or MARKER.search(text) is not None
    sections = [] if whole else KEY.split(text)
    if len(sections) < 2 or sections[0].strip():
        return load(path, text)
    found: dict[str, Any] = {}
    try:
        for section in sections[1:]:
            found |= _section(section)
    except Refusal:  # it is damaged, or not to be taken apart, for example as an alias leaves it
        return load(path, text)
    # A key that stands twice is to be refused.
    return found if len(found) == len(sections) - 1 else load(path, text)


@functools.lru_cache(KEPT)
def _section(text: str) -> dict[str, Any]:
    found = load("", text)
    if not isinstance(found, dict) or len(found) != 1:
        raise Refusal("not a section")
    return found
