"""Flags of the verbs for trained networks, whose mistakes are refused like all others."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from cifar_lab.cli.verbs import VERBS
from cifar_lab.refusal import Refusal


class Parser(argparse.ArgumentParser):
    """Parses a verb's words; its mistakes are refused with the verb's usage."""

    def __init__(self, verb: str) -> None:
        super().__init__(prog=f"cifar-lab {verb}", add_help=False, allow_abbrev=False)
        self._verb = verb

    def error(self, message: str) -> NoReturn:
        """Refuse words.

        Raises:
            Refusal: always.
        """
        usage = f"`cifar-lab {VERBS[self._verb].usage}`"
        raise Refusal(
            f"{message}; usage: {usage}, and `cifar-lab {self._verb} --help` explains the flags"
        )


class Range(NamedTuple):
    """The numbers that a flag accepts: whole ones or any, from ``least`` to ``most``."""

    kind: type[int] | type[float]
    least: float
    most: float


#: Of TCP; a server takes 0 for any port that is free.
LAST_PORT = 65_535


def numbers(flags: argparse.Namespace, ranges: Mapping[str, Range]) -> list[str]:
    """Convert the numbers among the flags; what was left out stays None.

    Args:
        flags: as parsed, with texts.
        ranges: what is allowed, by flag.

    Returns:
        What is wrong with them, a sentence each.
    """
    problems = []
    for flag, (kind, least, most) in ranges.items():
        name = flag.removeprefix("--").replace("-", "_")
        given = getattr(flags, name)
        if given is None:
            continue
        number = _number(given, kind)
        if number is None or not least <= number <= most:
            sort = "a whole number" if kind is int else "a number"
            problems.append(f"{flag} {given}: must be {sort} from {least:,} to {most:,}")
        setattr(flags, name, number)
    return problems


def _number(text: str, kind: type[int] | type[float]) -> float | None:
    try:
        number = kind(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
