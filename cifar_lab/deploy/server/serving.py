"""Runs the server until it is asked to stop, and answers what it has accepted by then."""

from __future__ import annotations

import asyncio
import errno
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
from cifar_lab.refusal import Refusal

#: A connection on which no whole head of a request arrives in so many seconds, up to twice as
#: many, is closed.
HEAD_SECONDS = 10.0
#: Connections that wait to be accepted.
BACKLOG = 2048


def bound(host: str, port: int) -> socket.socket:
    """Reserve the address of a server; nothing is accepted yet.

    Args:
        host: name or IP address of this machine.
        port: 0 chooses one that is free.

    Raises:
        Refusal: the address is in use, or is not one of this machine.
    """
    found: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
        # Otherwise, the port of a server that has just ended could not be used for a minute.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        if found is not None:
            found.close()
        raise Refusal(_why_not_bound(host, port, error)) from error
    return found


def address_of(listening: socket.socket) -> str:
    """Return the URL at which a bound socket is reached from this machine."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # of any interface
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _why_not_bound(host: str, port: int, error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is already in use: stop the other program, or choose another "
            f"port, e.g. --port {port + 1 if port < 65_535 else port - 1}"
        )
    if number == errno.EACCES:
        return f"port {port} on {host} needs more rights: choose one above 1023, e.g. --port 8000"
    return f"--host {host}: is not an address of this machine; use 127.0.0.1, or 0.0.0.0 for all"


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
