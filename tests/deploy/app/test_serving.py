"""A port is claimed before anything else, and visitors do not keep the server from ending."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

from cifar_lab.deploy.app import serving
from cifar_lab.deploy.app.serving import listening
from cifar_lab.refusal import Refusal
from tests.deploy.app.networks import answers_of, bundle, served

pytestmark = pytest.mark.extra("app")


def test_a_port_in_use_is_one_message():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refusal, match=f"--port {port} is in use; choose another"):
            listening(port)


def test_the_next_free_port_is_used(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(serving, "FIRST_PORT", other.getsockname()[1])
        with listening(None) as found:
            assert found.getsockname()[1] > other.getsockname()[1]
            assert found.getsockname()[0] == "127.0.0.1"
        monkeypatch.setattr(serving, "PORTS", 1)
        with pytest.raises(Refusal, match="all ports from"):
            listening(None)


def test_a_port_that_may_not_be_used_is_one_message(monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refused)
    with pytest.raises(Refusal, match="--port 80 cannot be used: Permission denied"):
        listening(80)


def test_a_visitor_who_stays_does_not_keep_it_from_ending(tmp_path):
    answers = answers_of(bundle(tmp_path / "bundle"))
    with served(answers) as address:
        client = httpx.Client()
        stream = client.stream("GET", f"{address}/gradio_api/heartbeat/abc")
        lines = stream.__enter__().iter_lines()
        next(lines)
        began = time.monotonic()
    assert time.monotonic() - began < 15
    stream.__exit__(None, None, None)
    client.close()
