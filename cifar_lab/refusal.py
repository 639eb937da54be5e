"""The one exception for input that cannot be used, raised before anything is trained or written."""

from __future__ import annotations

from collections.abc import Sequence


class Refusal(ValueError):
    """Input was refused; the command line prints each problem on a line and ends with status 2.

    Args:
        problems: what came, what is allowed and what to do: one sentence a problem.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))
