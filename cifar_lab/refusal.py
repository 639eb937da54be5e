"""The exceptions whose message is all that a person needs to see."""

from __future__ import annotations

from collections.abc import Sequence


def in_our_words(message: str) -> str:
    """Pydantic's "Input should be …" as "must be …"."""
    return message.replace("Input should", "must").removeprefix("Value error, ")


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
