"""The routes of the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.description import Description
from cifar_lab.deploy.hosts import is_one_of
from cifar_lab.deploy.memory import Memory, Share
from cifar_lab.deploy.server import answers
from cifar_lab.deploy.server.batching import Batcher, Closed, Logits, Pixels, QueueFull
from cifar_lab.deploy.server.bodies import pixels_in
from cifar_lab.deploy.server.limits import Limits
from cifar_lab.deploy.server.page import page
from cifar_lab.deploy.server.receiving import no_memory, received
from cifar_lab.deploy.server.rejected import Rejected
from cifar_lab.deploy.server.schema import openapi
from cifar_lab.wording import first_sentence, shortened

log = logging.getLogger("cifar_lab")

#: Images are decoded in so many threads; each may need a gigabyte for one of the largest.
DECODERS = 2
#: The page may show its own style and send its form, and nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"


class Service:
    """A network behind HTTP.

    Args:
        classifier: computes the logits; in one thread only.
        description: of the network.
        limits: of requests, queue and batches.
        address: of the server, for the page of documentation.
        hosts: names under which it may be addressed; empty for any.
    """

    def __init__(
        self,
        classifier: Classifier,
        description: Description,
        limits: Limits,
        address: str,
        hosts: Collection[str] = (),
    ) -> None:
        self._hosts = hosts
        self._classifier = classifier
        self._limits = limits
        self._batcher = Batcher(
            classifier.logits, limits.batch_size, limits.batch_wait_seconds, limits.queue
        )
        self._memory = Memory(limits.memory_bytes)
        self._decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="decode")
        self._model = answers.model(description)
        self._schema = openapi(description, limits)
        self._page = page(self._schema, address)
        self.draining = False
        self.active = 0  # requests whose answer is not complete; of the event loop's thread only

    def app(self) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route("/predict", self._predict, methods=["POST"]),
            Route("/health", self._health),
            Route("/model", self._describe),
            Route("/openapi.json", self._openapi),
            Route("/docs", self._docs),
        ]
        handlers = {Rejected: _rejected, HTTPException: _no_route, Exception: _failed}
        named = Middleware(_Named, hosts=self._hosts)
        return Starlette(routes=routes, exception_handlers=handlers, middleware=[named])

    def close(self, timeout: float) -> bool:
        """Answer what is in the queue, and end the threads; whether this was done in time."""
        self.draining = True
        self._decoders.shutdown(wait=False, cancel_futures=True)
        return self._batcher.close(timeout)

    async def _predict(self, request: Request) -> Response:
        usage = self._classifier.usage
        with self._admitted(), self._memory.share() as share:
            top = answers.top_of(dict(request.query_params), len(usage.class_names))
            pixels = await self._pixels(request, share)
            if not share.hold(pixels.nbytes):
                raise no_memory(self._limits)
            logits = await self._logits(pixels)
            far = self._classifier.far(logits)
            return JSONResponse(answers.predictions(logits, far, usage.class_names, top))

    async def _pixels(self, request: Request, share: Share) -> Pixels:
        """Read and decode a body, of which nothing is kept."""
        size = self._classifier.usage.image_size
        body = await received(request, self._limits, share)
        kind = request.headers.get("content-type", "")
        return await asyncio.get_running_loop().run_in_executor(
            self._decoders, pixels_in, kind, body, size, self._limits.images(size)
        )

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        """Count a request as accepted; whatever was accepted is answered before the end."""
        if self.draining:
            raise Rejected(503, "the server is shutting down: send it again elsewhere or later", 5)
        if self.active >= self._limits.requests or self._batcher.waiting >= self._limits.queue:
            raise self._full()
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1

    async def _logits(self, pixels: Pixels) -> Logits:
        try:
            futures = self._batcher.submit(pixels)
        except (QueueFull, Closed) as error:
            raise self._full() from error
        try:
            return np.stack(await asyncio.gather(*map(asyncio.wrap_future, futures)))
        except Exception as error:
            log.error("the network failed: %s", first_sentence(error))
            raise Rejected(500, f"the network failed: {first_sentence(error)}") from error

    def _full(self) -> Rejected:
        queue = self._limits.queue
        return Rejected(503, f"the queue of {queue} images is full: try again in a second", 1)

    async def _health(self, request: Request) -> Response:
        status = "draining" if self.draining else "ok"
        state = {"status": status, "queued": self._batcher.waiting}
        return JSONResponse(state, 503 if self.draining else 200)

    async def _describe(self, request: Request) -> Response:
        return JSONResponse(self._model)

    async def _openapi(self, request: Request) -> Response:
        return JSONResponse(self._schema)

    async def _docs(self, request: Request) -> Response:
        return HTMLResponse(self._page, headers={"Content-Security-Policy": POLICY})


class _Named:
    """Answers requests that address the server by another name."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        host = Headers(scope=scope).get("host", "")
        if is_one_of(host, self._hosts):
            await self._app(scope, receive, send)
            return
        message = (
            f"Host {shortened(host) or '(none)'} is not a name of this server: address it as "
            "127.0.0.1 or localhost; with --host 0.0.0.0, it may have any name"
        )
        rejected = JSONResponse({"error": message}, 403, {"Connection": "close"})
        await rejected(scope, receive, send)


async def _rejected(request: Request, error: Exception) -> Response:
    assert isinstance(error, Rejected)
    return JSONResponse({"error": error.message}, error.status, error.headers)


async def _no_route(request: Request, error: Exception) -> Response:
    """Answer to a path or method that does not exist."""
    assert isinstance(error, HTTPException)
    message = f"{error.detail}: see /docs for the paths and methods"
    return JSONResponse({"error": message}, error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    """Answer to a mistake of ours, which the log describes."""
    log.error("a request failed: %s: %s", type(error).__name__, first_sentence(error))
    return JSONResponse({"error": "the server failed; its log says why"}, 500)
