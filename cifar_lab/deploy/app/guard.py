"""Lets through what the page needs and nothing else that Gradio's server would do.

Gradio also serves files of the machine, fetches addresses that a request names, and keeps uploads
on disk. The page needs none of this: images travel in questions and answers.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from cifar_lab.deploy.app.upload import MOST_BYTES
from cifar_lab.deploy.hosts import is_one_of
from cifar_lab.deploy.memory import Memory, Share

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

#: Paths by method.
ALLOWED = {
    "GET": re.compile(
        r"/|/config/?|/theme\.css|/favicon\.ico|/robots\.txt|/(?:assets|static)/[\w./-]+"
        r"|/gradio_api/(?:info|queue/data|heartbeat/\w+|app_id|startup-events|call/classify/\w+)"
    ),
    "POST": re.compile(r"/gradio_api/(?:queue/join|call/classify|cancel|reset)/?"),
}
ALLOWED["HEAD"] = ALLOWED["GET"]
#: Largest body of a request: an upload in base 64, and what surrounds it.
MOST_BODY = MOST_BYTES * 4 // 3 + 100_000
#: Bytes of all questions together that are being read or wait.
MEMORY_BYTES = 256_000_000
#: Key in the scope of a question: its length in bytes.
LENGTH = "cifar_lab.length"
#: What the page may load: from this server alone. Gradio compiles its templates in the browser.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class Guard:
    """ASGI application around Gradio's.

    Args:
        app: Gradio's.
        hosts: names under which the server may be addressed, so that no other site's name can be
            pointed at it; empty for any.
        waiting: returns how many bytes the questions have that wait for an answer, see ``LENGTH``.
    """

    def __init__(
        self, app: App, hosts: Collection[str] = (), waiting: Callable[[], int] = lambda: 0
    ) -> None:
        self._app = app
        self._memory = Memory(MEMORY_BYTES, waiting)
        self._hosts = frozenset(hosts)
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Tell the streams that visitors left, which a server would wait for when it ends."""
        self._ended.set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        allowed = ALLOWED.get(scope["method"])
        if not self._is_host(scope):
            await _refuse(send, 403, "this server has another name")
        elif allowed is None or not allowed.fullmatch(scope["path"]) or ".." in scope["path"]:
            await _refuse(send, 404, "there is nothing here")
        elif scope["method"] != "POST":
            await self._app(scope, self._until_ended(receive), _with_headers(send))
        else:
            await self._post(scope, receive, send)

    async def _post(self, scope: Message, receive: Receive, send: Send) -> None:
        with self._memory.share() as share:
            length, body = await _body(scope, receive, share)
            if length > MOST_BODY:
                await _refuse(send, 413, f"more than {MOST_BODY:,} bytes")
            elif body is None:
                await _refuse(send, 503, "too many questions wait: ask again in some seconds")
            elif _names_a_file(body):
                await _refuse(send, 400, "a question cannot name a file or an address")
            else:
                scope[LENGTH] = length
                await self._app(scope, _again(body, receive), _with_headers(send))

    def _until_ended(self, receive: Receive) -> Receive:
        async def received() -> Message:
            message = asyncio.ensure_future(receive())
            ended = asyncio.ensure_future(self._ended.wait())
            await asyncio.wait([message, ended], return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if message.done():
                return message.result()
            message.cancel()
            return {"type": "http.disconnect"}

        return received

    def _is_host(self, scope: Message) -> bool:
        named = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        return is_one_of(named, self._hosts)


async def _body(scope: Message, receive: Receive, share: Share) -> tuple[int, bytes | None]:
    """Return the length of what was sent, and all of it unless there is no room for it.

    Of what is too long, the rest is not read.
    """
    stated = dict(scope["headers"]).get(b"content-length", b"0")
    if not stated.isdigit() or int(stated) > MOST_BODY:
        return MOST_BODY + 1, None
    parts: list[bytes] = []
    length, kept, more = 0, True, True
    while more and length <= MOST_BODY:
        message = await receive()
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        kept = kept and share.hold(length)
        if not kept:
            parts.clear()
            share.hold(0)
        more = message.get("more_body", False)
    return length, b"".join(parts) if kept else None


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what hands on a body that was read, and then whatever follows."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def handed_on() -> Message:
        return waiting.pop() if waiting else await receive()

    return handed_on


def _names_a_file(body: bytes) -> bool:
    """Whether there is an object with a ``path``, by which Gradio would read a file or fetch it."""
    # A byte of zero tells UTF-16 and UTF-32, which JSON's reader accepts as well.
    if not any(sign in body for sign in (b'"path"', b"\\u", b"\0")):
        return False
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError):
        return True
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if "path" in each:
                return True
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return False


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
        await send(message)

    return sent


async def _refuse(send: Send, status: int, why: str) -> None:
    body = json.dumps({"detail": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close"), *HEADERS]
    if status == 503:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
