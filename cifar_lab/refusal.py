"""Exceptions whose message is all the user needs to see, and helpers to word messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def in_our_words(message: str) -> str:
    """Rewrite Pydantic's "Input should be …" as "must be …"."""
    return message.replace("Input should", "must").removeprefix("Value error, ")


def did_you_mean(
    word: str,
    words: Iterable[str],
    most: int = 1,
    quote: str = "'",
    otherwise: Sequence[str] = (),
) -> str:
    """Return ``; did you mean 'x'?`` for an unknown word; empty if no allowed word is similar.

    Args:
        word: the unknown word.
        words: the allowed words.
        most: how many similar words to suggest at most, joined by "or".
        quote: placed on either side of each suggestion.
        otherwise: suggestions to use if no allowed word is similar.
    """
    found = difflib.get_close_matches(word, list(words), n=most) or otherwise
    named = " or ".join(f"{quote}{candidate}{quote}" for candidate in found)
    return f"; did you mean {named}?" if named else ""


class Refusal(ValueError):
    """Invalid input; the command line prints one problem per line and exits with status 2.

    Args:
        problems: one sentence per problem: what was given, what is allowed and what to do.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class RunFailed(RuntimeError):
    """A run failed for the reason in its message; the command line exits with status 1."""
