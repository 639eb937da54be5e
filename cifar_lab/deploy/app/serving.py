"""Serves the page until a signal ends it."""

from __future__ import annotations

import asyncio
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

#: Only this machine.
LOCAL = "127.0.0.1"
#: Of these ports, the first free one is used unless another is named.
PORTS = range(7860, 7960)
#: Seconds that open connections have when the server ends.
GRACE_SECONDS = 1


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
