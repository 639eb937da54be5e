"""Computes images that arrive together as one batch, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Logits = NDArray[np.float32]


class QueueFull(Exception):
    """There is no room for the images now."""


class Closed(Exception):
    """No more images are accepted."""


class _Waiting(NamedTuple):
    """An image in the queue: what it is, when it came, and where its answer goes."""

    pixels: Pixels
    arrived: float
    answer: Future[Logits]


class Batcher:
    """A queue of images before a network, which one thread computes in batches.

    The first image in the queue waits at most ``wait_seconds`` for others; while the network
    computes a batch, the next one gathers by itself. Batches are computed in the order of arrival.

    Args:
        compute: from uint8 ``(n, height, width, 3)`` to float32 ``(n, classes)``. It is called in
            one thread only.
        batch_size: most images at once.
        wait_seconds: see above; 0 never waits.
        longest_queue: most images that wait, besides those that are being computed.
    """

    def __init__(
        self,
        compute: Callable[[Pixels], Logits],
        batch_size: int,
        wait_seconds: float,
        longest_queue: int,
    ) -> None:
        self._compute = compute
        self._batch_size = batch_size
        self._wait_seconds = wait_seconds
        self._longest_queue = longest_queue
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        # A daemon, so that a network that never returns does not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="network", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Number of images in the queue."""
        return len(self._queue)

    def submit(self, pixels: Pixels) -> list[Future[Logits]]:
        """Put images into the queue, all or none of them.

        Args:
            pixels: uint8 ``(n, height, width, 3)``.

        Returns:
            For each image, a future of its logits, float32 ``(classes,)``, or of what the network
            raised.

        Raises:
            QueueFull: too many images are waiting.
            Closed: :meth:`close` was called.
        """
        arrived = time.monotonic()
        items = [_Waiting(image, arrived, Future()) for image in pixels]
        with self._changed:
            if self._closed:
                raise Closed
            if len(self._queue) + len(items) > self._longest_queue:
                raise QueueFull
            self._queue.extend(items)
            self._changed.notify()
        return [item.answer for item in items]

    def close(self, timeout: float | None = None) -> bool:
        """Accept no more images, answer those in the queue, and end the thread.

        Args:
            timeout: seconds to wait for it; None waits as long as it takes.

        Returns:
            Whether all were answered in this time.
        """
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while batch := self._next_batch():
            # Whoever has gone needs no answer.
            self._answer([each for each in batch if each.answer.set_running_or_notify_cancel()])

    def _next_batch(self) -> list[_Waiting]:
        """Wait for images; none means that the queue is closed and empty."""
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            while self._queue and not self._closed and len(self._queue) < self._batch_size:
                left = self._queue[0].arrived + self._wait_seconds - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_size))]

    def _answer(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        try:
            logits = self._compute(np.stack([each.pixels for each in batch]))
        except Exception as error:  # it is the answer of this batch; the next may succeed
            for each in batch:
                each.answer.set_exception(error)
        else:
            for each, row in zip(batch, logits, strict=True):
                each.answer.set_result(row)
