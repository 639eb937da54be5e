"""Loads the text of a YAML file, which is checked first, so that none takes forever to load."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence

#: Reads events ten times as fast where PyYAML was built with libyaml.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Largest numbers of values, with aliases expanded, and of levels of nesting in a file.
MOST_VALUES, MOST_LEVELS = 10_000, 50


#: A number with an exponent needs no dot, as in YAML 1.2 and OmegaConf: ``1e-3``.
FLOAT = re.compile(
    r"""(?:[-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)
    |\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.X,
)
#: Tags that plain text is read as by PyYAML, but not by OmegaConf.
NOT_IMPLIED = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float")


def load(path: Path | str, text: str) -> Any:
    """Load YAML as OmegaConf does, ten times as fast; interpolations are texts.

    Args:
        path: of the file, for messages.
        text: its content.

    Raises:
        Refusal: as :func:`refuse_unloadable`; or a key stands twice, or a value is not plain.
    """
    refuse_unloadable(path, text)
    try:
        value = yaml.load(text, Loader=_Loader)  # it derives from the safe loader
        _refuse_odd(value)
        return value
    except yaml.YAMLError as error:
        raise Refusal(f"{path} could not be read: {yaml_problem(error)}") from error
    except (ValueError, TypeError) as error:
        raise Refusal(f"{path} could not be read: {first_sentence(error)}") from error


class _Loader(LOADER):  # type: ignore[misc,valid-type]  # a variable, and PyYAML has no types
    """As OmegaConf's own, in C where there is libyaml."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as in the base class
        first: [pair for pair in pairs if pair[0] not in NOT_IMPLIED]
        for first, pairs in LOADER.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = set()
        for key, _ in node.value:
            if key.value in keys and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} stands twice", key.start_mark
                )
            if isinstance(key, yaml.ScalarNode):
                keys.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))


def _refuse_odd(value: Any) -> None:
    """Refuse what a configuration cannot hold, such as a date or a set."""
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, (str, int, float)):
                raise ValueError(f"the key {key!r} is not text")
            _refuse_odd(each)
    elif isinstance(value, list):
        for each in value:
            _refuse_odd(each)
    elif value is not None and not isinstance(value, (str, int, float)):
        raise ValueError(f"{value!r} is not a text, a number, true, false or null")


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
