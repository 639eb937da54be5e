"""Writes in the background while training continues."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor


class BackgroundWriter:
    """Runs one write at a time in a background thread, in the order of submission.

    Args:
        in_background: False writes immediately, in the calling thread.
    """

    def __init__(self, in_background: bool) -> None:
        self._in_background = in_background
        self._thread: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None
        self._copies: dict[str, Tensor] = {}

    def submit(self, write: Callable[[], None]) -> None:
        """Starts a write. Call :meth:`finish` first, so that no other write is in progress.

        Raises:
            OSError: an immediate write failed; a failure in the background is raised by
                :meth:`finish`.
        """
        if not self._in_background:
            write()
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending = self._thread.submit(write)

    def finish(self) -> None:
        """Waits until the submitted write is on disk.

        Raises:
            OSError: it failed.
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """Waits for the submitted write and ends the thread."""
        try:
            self.finish()
        finally:
            if self._thread is not None:
                self._thread.shutdown()
                self._thread = None

    def copy(self, state: dict[str, Any]) -> dict[str, Any]:
        """Copies the state's tensors to the host, so that training may change the originals.

        The memory of the copies is reused: only the newest copy is valid.
        """
        if not self._in_background:
            return state
        copied: dict[str, Any] = self._copied(state, "")
        if torch.cuda.is_available():
            torch.cuda.current_stream().synchronize()
        return copied

    def _copied(self, value: Any, path: str) -> Any:
        if isinstance(value, Tensor):
            held = self._copies.get(path)
            if held is None or held.shape != value.shape or held.dtype != value.dtype:
                held = torch.empty_like(value, device="cpu", pin_memory=value.is_cuda)
                self._copies[path] = held
            return held.copy_(value, non_blocking=True)
        if isinstance(value, dict):
            return {key: self._copied(each, f"{path}/{key}") for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._copied(each, f"{path}/{i}") for i, each in enumerate(value))
        return value
