"""What differs between the Python files of a user's own that two runs were built from."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from cifar_lab.run.code import Module
from cifar_lab.run.copies import copy_of
from cifar_lab.run.record import Run

#: Most lines of differences that are shown of each file.
MOST_LINES = 40


def differing_code(first: Run, second: Run) -> list[str]:
    """Compare the files by their hashes, and their copies line by line; nothing is imported.

    Returns:
        For each file that differs, a line that names it and a short unified diff, if both runs have
        a copy.

    Raises:
        Refusal: what a run says about its code, or a copy, is damaged.
    """
    found = [{m.name: m for m in (run.code.modules if run.code else ())} for run in (first, second)]
    lines: list[str] = []
    for name in sorted(found[0].keys() | found[1].keys()):
        one, other = found[0].get(name), found[1].get(name)
        if one is None or other is None:
            run, module = (second, other) if one is None else (first, one)
            assert module is not None, "one of the two has it"
            lines.append(f"{_shown(module.copy)}: only in {run.folder.path}")
        elif one.sha256 != other.sha256:
            lines += [f"{_shown(one.copy)}: differs", *_unified(first, one, second, other)]
    return lines


def _unified(first: Run, one: Module, second: Run, other: Module) -> Iterator[str]:
    before, after = copy_of(first, one), copy_of(second, other)
    if before is None or after is None:
        yield "  the runs do not both have a copy; their SHA-256 differ"
        return
    texts = [content.decode(errors="replace").splitlines() for content in (before, after)]
    places = [f"{run.folder.path}/{each.copy}" for run, each in ((first, one), (second, other))]
    lines = list(difflib.unified_diff(texts[0], texts[1], places[0], places[1], n=2, lineterm=""))
    yield from (f"  {_shown(line)}" for line in lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        yield f"  … {len(lines) - MOST_LINES} more lines"


def _shown(text: str) -> str:
    """Text without characters that control a terminal: a run may be a stranger's."""
    return "".join(each if each.isprintable() else " " for each in text)
