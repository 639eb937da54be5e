"""What a request is answered with instead of predictions."""

from __future__ import annotations


class Rejected(Exception):
    """A request that cannot be answered.

    Args:
        status: of HTTP.
        message: what came, what is allowed, and what to do.
        retry_seconds: after how long the same request may succeed; None if it never does.
        close: whether to close the connection, as its request was not read to the end.
    """

    def __init__(
        self, status: int, message: str, retry_seconds: int | None = None, close: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers: dict[str, str] = {}
        if retry_seconds is not None:
            self.headers["Retry-After"] = str(retry_seconds)
        if close:
            self.headers["Connection"] = "close"
