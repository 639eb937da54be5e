"""Checks the text of a YAML file before it is loaded, so that no file takes forever to load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cifar_lab.refusal import Refusal

#: Reads events ten times as fast where PyYAML was built with libyaml.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Largest numbers of values, with aliases expanded, and of levels of nesting in a file.
MOST_VALUES, MOST_LEVELS = 10_000, 50


def refuse_unloadable(path: Path | str, text: str) -> None:
    """Refuse text that is not valid YAML or would take too long to load.

    Args:
        path: of the file, for messages.
        text: its content.

    Raises:
        Refusal: a syntax error, too many values, too deep nesting, or an alias inside the value
            that it stands for.
    """
    try:
        problem = _first_problem(yaml.parse(text, Loader=LOADER))
    except yaml.YAMLError as error:
        problem = yaml_problem(error)
    if problem is not None:
        raise Refusal(f"{path} could not be read: {problem}")


def yaml_problem(error: yaml.YAMLError) -> str:
    """Return where and why a text is not valid YAML."""
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "not valid YAML"
    return str(reason) if mark is None else f"line {mark.line + 1}: {reason}"


def _first_problem(events: Iterator[Any]) -> str | None:
    """Count the values of a file from its events, which takes no recursion and no copies."""
    sizes: dict[str, int] = {}  # by anchor, once its value is complete
    starts: list[tuple[str | None, int]] = []  # of the collections that are open
    count = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                inside = any(anchor == event.anchor for anchor, _ in starts)
                why = "stands inside the value that it stands for" if inside else "is not defined"
                return f"line {line}: the alias *{event.anchor} {why}"
            count += sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            starts.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = starts.pop()
            if anchor is not None:
                sizes[anchor] = count - before
        if count > MOST_VALUES:
            return f"it has more than {MOST_VALUES:,} values, with aliases expanded"
        if len(starts) > MOST_LEVELS:
            return f"line {line}: it is nested more than {MOST_LEVELS} levels deep"
    return None
