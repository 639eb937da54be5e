"""A bound on the memory that bodies of requests take together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Memory:
    """Memory of which requests take shares; to be used in one thread only.

    Args:
        most: bytes of all shares together.
        elsewhere: returns how many of these are held now by what has no share.
    """

    def __init__(self, most: int, elsewhere: Callable[[], int] = lambda: 0) -> None:
        self._most = most
        self._elsewhere = elsewhere
        self._held = 0

    @property
    def left(self) -> int:
        """Bytes that are free."""
        return self._most - self._held - self._elsewhere()

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Give a request a share, empty at first; it is given back at the end."""
        found = Share(self)
        try:
            yield found
        finally:
            found.hold(0)


class Share:
    """What one request holds of a memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._held = 0

    def hold(self, count: int) -> bool:
        """Hold so many bytes instead of those held so far.

        Returns:
            Whether there is room for them; otherwise, nothing changes.
        """
        more = count - self._held
        if more > 0 and more > self._memory.left:
            return False
        self._memory._held += more
        self._held = count
        return True
