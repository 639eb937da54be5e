"""Reads the overrides of a command line, and says what to type where one cannot be read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from cifar_lab.refusal import Refusal
from cifar_lab.wording import shortened

#: Largest length of an override, and number of overrides of a command line.
MOST_CHARACTERS, MOST_OVERRIDES = 10_000, 500
#: Most brackets in a row; the time that Hydra's parser takes grows steeply with them.
MOST_LEVELS = 10
#: What parsing raises; an integer of thousands of digits is a ValueError.
CANNOT_PARSE = (HydraException, ValueError, RecursionError)


def refuse_too_many(overrides: list[str]) -> None:
    """Refuse more overrides than can be checked in reasonable time.

    Raises:
        Refusal: there are too many.
    """
    if len(overrides) > MOST_OVERRIDES:
        raise Refusal(
            f"{len(overrides):,} overrides are too many: at most {MOST_OVERRIDES} are accepted; "
            "put the values into a file of the group experiments"
        )


def refuse_unreadable(overrides: Sequence[str], loader: ConfigLoader) -> None:
    """Refuse overrides that are too many or cannot be read, with all problems at once.

    Raises:
        Refusal: there are too many, or some cannot be read.
    """
    refuse_too_many(list(overrides))
    problems: list[str] = []
    for text in overrides:
        try:
            parsed(text, loader)
        except Refusal as refusal:
            problems += refusal.problems
    if problems:
        raise Refusal(problems)


def parsed(text: str, loader: ConfigLoader | None = None) -> Override:
    """Parse an override.

    Args:
        text: one word of the command line.
        loader: lists the options of a group for ``GROUP=glob(*)``.

    Raises:
        Refusal: it cannot be read; the message says what to type.
    """
    if len(text) > MOST_CHARACTERS:
        raise Refusal(
            f"{shortened(text)}: at most {MOST_CHARACTERS:,} characters are read; put a long "
            "value into a file of the group experiments"
        )
    if any(opening * (MOST_LEVELS + 1) in re.sub(r"\s", "", text) for opening in "[{("):
        raise Refusal(f"{shortened(text)}: its brackets are nested more than {MOST_LEVELS} deep")
    try:
        override = OverridesParser.create(loader).parse_override(text)
    except CANNOT_PARSE as error:
        raise Refusal(f"{shortened(text)}: {_advice(text)}") from error
    override.config_loader = loader
    if not override.key_or_group:
        raise Refusal(
            f"{shortened(text)}: there is no key before the '='; write overrides as key=value"
        )
    return override


def written(key: str, value: str) -> str:
    """Return the override that gives a key a value, quoted for a shell if necessary."""
    return shlex.quote(f"{key}={value}")


def _advice(text: str) -> str:
    """Return what is wrong with an override that cannot be parsed, and what to type instead."""
    value = text.partition("=")[2].strip()
    if re.search(r"\d{4000}", value):
        return "the number has too many digits"
    if re.fullmatch(r"(choice|range|sort|shuffle)\(\s*\)", value):
        return "lists no values"
    if _unclosed(value):
        return "a bracket or quote is not closed; write overrides as key=value, with lists as [1,2]"
    for candidate in _candidates(text):
        try:
            OverridesParser.create().parse_override(candidate)
        except CANNOT_PARSE:
            continue
        return f"cannot be read; write {shlex.quote(candidate)}"
    if "=" not in text:
        return "is not an override; write overrides as key=value"
    return "cannot be read; write overrides as key=value, with quotes around an unusual value"


def _candidates(text: str) -> Iterator[str]:
    """Yield what may have been meant: another separator, no spaces, or quotes."""
    below = re.fullmatch(r"\s*([\w.]+):\s*([\w.]+)\s*[=:]\s*(.+)", text)
    if below:  # model: width=3
        yield "{}.{}={}".format(*below.groups())
    colon = re.fullmatch(r"\s*([\w.]+)(?::\s*|\s+)([^=\s].*)", text)
    if colon and "=" not in text:  # optimizer.lr: 0.1
        yield "{}={}".format(*colon.groups())
    key, equals, value = text.partition("=")
    if not equals:
        return
    sign = re.match(r"\s*(\+{0,2}|~?)", key)
    beginning = sign[1] if sign else ""
    key = re.sub(r"\.+", ".", key.strip().removeprefix(beginning)).strip(".")
    value = value.lstrip("= ").rstrip()
    if not re.fullmatch(r"[\w./@-]+", key) or not value:
        return
    yield f"{beginning}{key}={value}"
    escaped = value.replace('"', r"\"")
    yield f'{beginning}{key}="{escaped}"'


def _unclosed(value: str) -> bool:
    """Whether a value begins with a bracket or a quote that does not end it."""
    ends = {"[": "]", "{": "}", "$": "}", "'": "'", '"': '"'}
    opened = value[:1] in ends and (value[0] != "$" or value[1:2] == "{")
    return opened and (len(value) < 2 or value[-1] != ends[value[0]])
