"""Runs the server until it is asked to stop, and answers what it has accepted by then."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import time
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from cifar_lab.data.picture import without_warnings
from cifar_lab.deploy.server.app import Service

#: A connection on which no whole head of a request arrives in so many seconds, up to twice as
#: many, is closed.
HEAD_SECONDS = 10.0


class Server(uvicorn.Server):
    """Serves until SIGTERM or SIGINT, and then answers what it has accepted.

    Meanwhile, further images are refused with 503 and ``/health`` says so. A second signal ends the
    process at once.

    Args:
        service: whose routes are served; it is closed at the end.
        grace_seconds: for answering what was accepted.
        access_log: whether to log each request.
    """

    def __init__(self, service: Service, grace_seconds: float, access_log: bool = False) -> None:
        # Of uvicorn's protocols, h11's is there without further packages and limits heads.
        config = uvicorn.Config(
            service.app(),
            http=_Deadlines,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=access_log,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        # Of hostile requests, it would log every one.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._service = service
        self._grace_seconds = grace_seconds
        self._asked = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.unanswered = 0

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until asked to stop."""
        self._loop = asyncio.get_running_loop()
        draining = asyncio.create_task(self._drain())
        try:
            with without_warnings():  # before any thread decodes
                await super().serve(sockets)
        finally:
            draining.cancel()
            if not self._service.close(0 if self.unanswered else self._grace_seconds):
                self.unanswered = max(self.unanswered, 1)

    def stop(self) -> None:
        """Ask it to stop; may be called by another thread or a signal handler."""
        assert self._loop is not None, "it serves"
        self._loop.call_soon_threadsafe(self._asked.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at the first signal, and end the process at a second one."""
        if self._service.draining:
            os._exit(128 + sig)
        self._service.draining = True
        self.stop()

    async def _drain(self) -> None:
        await self._asked.wait()
        self._service.draining = True
        ends = time.monotonic() + self._grace_seconds
        while self._service.active and time.monotonic() < ends:
            await asyncio.sleep(0.02)
        self.unanswered = self._service.active
        self.should_exit = True


class _Deadlines(H11Protocol):
    """Closes connections that are held without a request."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.loop.call_later(HEAD_SECONDS, self._look, self.cycle)

    def _look(self, before: object) -> None:
        """Close the connection if it has waited for a request ever since the last look."""
        if self.transport.is_closing():
            return
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self.cycle is before:
            self.transport.close()
        else:
            self.loop.call_later(HEAD_SECONDS, self._look, self.cycle)


def log_requests() -> None:
    """Write a line to stderr for each request that is answered."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("uvicorn.access")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
