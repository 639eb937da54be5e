"""Reserves the address of a server before anything else is done."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from cifar_lab.refusal import Refusal

#: Connections that wait to be accepted.
BACKLOG = 2048


def listening(host: str, ports: Sequence[int]) -> socket.socket:
    """Reserve the first of some ports that is free; nothing is accepted yet.

    Args:
        host: name or IP address of this machine.
        ports: at least one; 0 chooses one that is free.

    Raises:
        Refusal: all of them are in use, or one may not be used, or the address is not one of this
            machine.
    """
    for port in ports:
        try:
            return _bound(host, port)
        except (OSError, UnicodeError) as error:
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            if not in_use or len(ports) == 1:
                raise Refusal(_why_not(host, port, error)) from error
    raise Refusal(
        f"ports {ports[0]} to {ports[-1]} on {host} are all in use: stop another program, or "
        "choose a port with --port"
    )


def address_of(listener: socket.socket) -> str:
    """Return the URL at which a bound socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # of any interface
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    found = socket.socket(family, kind, protocol)
    try:
        # Otherwise, the port of a server that has just ended could not be used for a minute.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError:
        found.close()
        raise
    return found


def _why_not(host: str, port: int, error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is already in use: stop the other program, or choose another "
            f"port, e.g. --port {port + 1 if port < 65_535 else port - 1}"
        )
    if number == errno.EACCES:
        return f"port {port} on {host} needs more rights: choose one above 1023, e.g. --port 8000"
    return f"--host {host}: is not an address of this machine; use 127.0.0.1, or 0.0.0.0 for all"
