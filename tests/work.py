"""Work as a number of function calls: unlike a time, it is the same on every machine."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any


class Work:
    """Counts the calls of functions, also of those written in C, by this thread inside it.

    Only what one call does in C at once is not seen, such as sorting a long list.
    """

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Work:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, _: FrameType, event: str, __: Any) -> None:
        if event in ("call", "c_call"):
            self.calls += 1
