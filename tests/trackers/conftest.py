"""What the tests of several trackers need."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def no_connections(monkeypatch) -> Iterator[Callable[[], None]]:
    """Leads every connection of libraries to a proxy; called, fails if there was any."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.2)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, address)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)

        def none() -> None:
            with pytest.raises(TimeoutError):
                proxy.accept()

        yield none
