"""Reads the body of a request, within the limits of the server."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from cifar_lab.deploy.memory import Share
from cifar_lab.deploy.server.limits import Limits
from cifar_lab.deploy.server.rejected import Rejected

#: A body that is too large is read up to so many times the limit, without being kept: clients see
#: the answer only once they have sent their request.
READ_ON = 4


async def received(request: Request, limits: Limits, share: Share) -> bytes:
    """Return the body of a request, which the share then holds.

    Raises:
        Rejected: it is too large or too slow, breaks off, or is compressed; or there is no memory
            for it now.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise Rejected(415, f"Content-Encoding {encoding[:60]} is not accepted: send it plain")
    try:
        reading = _read(request, limits.body_bytes, share)
        size, body = await asyncio.wait_for(reading, limits.body_seconds)
    except asyncio.TimeoutError as error:
        message = f"the body did not arrive within {limits.body_seconds:g} s"
        raise Rejected(408, message, close=True) from error
    except ClientDisconnect as error:
        raise Rejected(400, "the body breaks off", close=True) from error
    if size > limits.body_bytes:
        most = limits.body_bytes / 1e6
        raise Rejected(413, f"the body is too large: send at most {most:g} MB", close=True)
    if body is None:
        raise no_memory(limits)
    return body


async def _read(request: Request, most: int, share: Share) -> tuple[int, bytes | None]:
    """Return how many bytes were read, and the body unless these are too many to be kept."""
    size, kept = 0, True
    chunks: list[bytes] = []
    async for chunk in request.stream():
        size += len(chunk)
        kept = kept and size <= most and share.hold(size)
        if kept:
            chunks.append(chunk)
        else:
            chunks = []
            share.hold(0)
        if size > READ_ON * most:
            break
    return size, b"".join(chunks) if kept else None


def no_memory(limits: Limits) -> Rejected:
    """Return the answer to a request for which there is no memory now."""
    most = limits.memory_bytes / 1e6
    message = f"all requests together hold {most:g} MB already: try again in a second"
    return Rejected(503, message, 1)
