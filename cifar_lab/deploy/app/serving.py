"""Serves the page until a signal ends it."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Collection

import fastapi
import gradio
import uvicorn

from cifar_lab.data.picture import without_warnings
from cifar_lab.deploy.app.answers import Answers
from cifar_lab.deploy.app.guard import LENGTH, Guard
from cifar_lab.deploy.app.page import FONTS, STYLE, page
from cifar_lab.deploy.hosts import LOCAL_NAMES
from cifar_lab.refusal import Refusal

#: Only this machine.
LOCAL = "127.0.0.1"
#: The first port that is tried, and how many.
FIRST_PORT, PORTS = 7860, 100
#: Seconds that open connections have when the server ends.
GRACE_SECONDS = 1


def listening(port: int | None, host: str = LOCAL) -> socket.socket:
    """Claim a port.

    Args:
        port: None for the first free one from 7860.
        host: address of the machine to listen at.

    Raises:
        Refusal: it is in use, or may not be used.
    """
    tried = range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else [port]
    for each in tried:
        try:
            return socket.create_server((host, each), backlog=2048)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Refusal(f"--port {each} cannot be used: {error.strerror}") from error
    if port is None:
        raise Refusal(f"all ports from {FIRST_PORT} to {tried[-1]} are in use; choose a --port")
    raise Refusal(f"--port {port} is in use; choose another, or leave --port out")


def server(
    answers: Answers,
    hosts: Collection[str] = LOCAL_NAMES,
    ready: Callable[[], None] = lambda: None,
) -> uvicorn.Server:
    """Return a server of the page, which runs until SIGINT or SIGTERM and then raises it again.

    Args:
        answers: what the page asks.
        hosts: names under which the server may be addressed; empty for any.
        ready: called when the page can be opened.
    """
    guarded = application(answers, hosts)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            guarded.end()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        guarded,
        log_level="warning",
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
    )
    return Server(config)


def run(running: uvicorn.Server, listener: socket.socket) -> None:
    """Run a server where nothing else runs: Pillow's warnings of uploads are silenced."""
    with without_warnings():
        running.run(sockets=[listener])


def application(answers: Answers, hosts: Collection[str]) -> Guard:
    """Return the page as an ASGI application; not to be called where an event loop runs."""
    # Without a loop, Gradio makes many that it never closes.
    blocks, mounted = asyncio.run(_mounted(answers))
    return Guard(mounted, hosts, lambda: _waiting(blocks))


async def _mounted(answers: Answers) -> tuple[gradio.Blocks, fastapi.FastAPI]:
    blocks = page(answers)
    mounted = gradio.mount_gradio_app(
        fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        blocks,
        path="",
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        max_file_size=0,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        theme=gradio.themes.Base(font=FONTS, font_mono=["ui-monospace", "monospace"]),
        css=STYLE,
    )
    return blocks, mounted


def _waiting(blocks: gradio.Blocks) -> int:
    """Return how many bytes the questions have that wait for their turn."""
    queues = blocks._queue.event_queue_per_concurrency_id.values()
    return sum(each.request.scope.get(LENGTH, 0) for queue in queues for each in queue.queue)
