"""The exceptions whose message is all that a person needs to see, and words they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def in_our_words(message: str) -> str:
    """Pydantic's "Input should be …" as "must be …"."""
    return message.replace("Input should", "must").removeprefix("Value error, ")


def did_you_mean(
    word: str,
    words: Iterable[str],
    most: int = 1,
    quote: str = "'",
    otherwise: Sequence[str] = (),
) -> str:
    """``; did you mean 'x'?`` of a word that is none of some; empty where none is similar.

    Args:
        word: what came.
        words: what is allowed.
        most: of the similar ones to name, joined by "or".
        quote: on either side of each.
        otherwise: to name where none is similar.
    """
    found = difflib.get_close_matches(word, list(words), n=most) or otherwise
    named = " or ".join(f"{quote}{candidate}{quote}" for candidate in found)
    return f"; did you mean {named}?" if named else ""


class Refusal(ValueError):
    """Input was refused; the command line prints each problem on a line and ends with status 2.

    Args:
        problems: what came, what is allowed and what to do: one sentence a problem.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class RunFailed(RuntimeError):
    """A run failed for a reason that its message tells; the command line ends with status 1."""
