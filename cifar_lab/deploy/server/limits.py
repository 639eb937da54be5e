"""What the server accepts, at most."""

from __future__ import annotations

from dataclasses import dataclass

#: Longest time, in seconds, in which the body of a request must have arrived.
BODY_SECONDS = 30.0
#: Bytes that all bodies take together, unless a single one may be larger.
MEMORY_BYTES = 256_000_000


@dataclass(frozen=True)
class Limits:
    """What the server accepts, at most.

    Attributes:
        batch_size: images that the network computes at once.
        batch_wait_seconds: how long an image waits for others to share its batch.
        queue: images that wait for the network; also the most in one request.
        body_bytes: of a request.
        memory_bytes: of all bodies that are being read or decoded, and of the images that wait.
        body_seconds: in which a body must have arrived.
        grace_seconds: for answering what was accepted, once the server is asked to stop.
    """

    batch_size: int = 32
    batch_wait_seconds: float = 0.002
    queue: int = 256
    body_bytes: int = 20_000_000
    memory_bytes: int = MEMORY_BYTES
    body_seconds: float = BODY_SECONDS
    grace_seconds: float = 30.0

    @property
    def requests(self) -> int:
        """Requests at once whose bodies are being read, decoded or answered."""
        return self.queue + self.batch_size

    def images(self, size: tuple[int, int]) -> int:
        """Return how many images of a size, in pixels, a request may hold."""
        height, width = size
        return max(min(self.queue, self.memory_bytes // (3 * height * width)), 1)
