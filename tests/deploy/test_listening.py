"""A port is claimed before anything else, and what cannot be claimed is one message."""

from __future__ import annotations

import socket

import pytest

from cifar_lab.deploy.listening import address_of, listening
from cifar_lab.refusal import Refusal


def test_a_port_in_use_and_an_unknown_host_are_one_message():
    with listening("127.0.0.1", [0]) as used:
        port = used.getsockname()[1]
        with pytest.raises(Refusal, match=f"port {port} on 127.0.0.1 is already in use: stop the"):
            listening("127.0.0.1", [port])
    listening("127.0.0.1", [port]).close()
    for host in ("203.0.113.1", "no.such.host.invalid", "a" * 70, ""):
        with pytest.raises(Refusal, match=f"--host {host}: is not an address of this machine"):
            listening(host, [0]).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_the_address_can_be_reached(host):
    with listening(host, [0]) as listener:
        address = address_of(listener)
        assert address.startswith("http://127.0.0.1:")
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 5).close()


def test_the_next_free_port_is_used():
    with socket.create_server(("127.0.0.1", 0)) as other:
        first = other.getsockname()[1]
        with listening("127.0.0.1", [first, 0]) as found:
            assert found.getsockname()[0] == "127.0.0.1"
            second = found.getsockname()[1]
            assert second != first
            said = f"ports {first} to {second} on 127.0.0.1 are all in use"
            with pytest.raises(Refusal, match=said):
                listening("127.0.0.1", [first, second])


def test_a_port_that_may_not_be_used_is_one_message(monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refused)
    with pytest.raises(Refusal, match=r"port 80 on 127\.0\.0\.1 needs more rights: choose one"):
        listening("127.0.0.1", range(80, 90))
