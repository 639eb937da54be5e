"""The server survives what is sent to it, and ends once all is answered."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cifar_lab.deploy.server import serving
from tests.deploy.server.running import Running, running, until
from tests.deploy.server.test_bodies import PIXELS, form, png

pytestmark = pytest.mark.extra("app")
IMAGE = {"pixels": PIXELS[0].tolist()}
HEAD = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("server") / "bundle") as found:
        yield found


def sent(server: Running, content: bytes, end: str) -> bytes:
    """Send bytes as they are, and return the beginning of the answer.

    Args:
        server: to send to.
        content: of one request or less.
        end: ``stay`` waits for the answer; ``half`` first says that nothing more comes; ``go``
            closes the connection.
    """
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        try:
            connection.sendall(content)
            if end == "half":
                connection.shutdown(socket.SHUT_WR)
            return b"" if end == "go" else connection.recv(10_000)
        except OSError:  # it was closed while we sent
            return b""


HOSTILE = {
    "nothing": b"",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "half a head": HEAD,
    "a huge head": HEAD + b"X: " + b"a" * 5_000_000 + b"\r\n\r\n",
    "many headers": HEAD + b"X: a\r\n" * 200_000 + b"\r\n",
    "a huge path": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "an odd path": b"GET /%ff%00/../predict HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "an odd host": b"GET /docs HTTP/1.1\r\nHost: [\r\n\r\n",
    "an odd query": b"POST /predict?top=%00&&=%ff HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Length: 0\r\n\r\n",
    "a body too short": HEAD + b"Content-Length: 1000\r\n\r\nabc",
    "a body too long": HEAD + b"Content-Length: 3\r\n\r\n" + b"x" * 1000,
    "a negative length": HEAD + b"Content-Length: -5\r\n\r\nabc",
    "a length of words": HEAD + b"Content-Length: many\r\n\r\nabc",
    "a length beyond memory": HEAD + b"Content-Length: 99999999999999999999\r\n\r\nabc",
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "a wrong chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n",
    "a chunk that breaks off": HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "an upgrade": b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\n"
    b"Upgrade: websocket\r\n\r\n",
    "an odd type": b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: \xff;=\r\n"
    b"Content-Length: 1\r\n\r\nx",
}


@pytest.mark.parametrize("end", ["half", "go"])
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_requests_leave_it_healthy(server, capfd, caplog, content, end):
    answer = sent(server, content, end)
    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200"))
    assert b"Traceback" not in answer
    assert server.healthy()
    assert capfd.readouterr().err == ""
    assert [each for each in caplog.records if each.name.startswith("cifar_lab")] == []


@pytest.mark.parametrize("seed", range(5))
def test_random_requests_leave_it_healthy(server, capfd, seed):
    rng = np.random.default_rng(seed)
    kind, body = form(("image", png(PIXELS[0])))
    length = f"Content-Length: {len(body)}\r\nContent-Type: {kind}\r\n\r\n".encode()
    whole = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\n" + length + body
    assert sent(server, whole, "stay").startswith(b"HTTP/1.1 200")
    for _ in range(30):
        changed = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for place in rng.integers(0, len(changed), rng.integers(0, 4)):
            changed[place] = int(rng.integers(0, 256))
        answer = sent(server, bytes(changed), str(rng.choice(["half", "go"])))
        assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200"))
    assert server.healthy()
    with server.client() as client:
        assert client.post("/predict", json=IMAGE).status_code == 200
    assert capfd.readouterr().err == ""


def test_no_request_leaves_the_machine(tmp_path, monkeypatch):
    reached = set()
    connect = socket.socket.connect

    def watched(self, address):
        reached.add(address[0])
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    with running(tmp_path / "bundle") as found, found.client() as client:
        for path in ("/docs", "/openapi.json", "/model", "/health"):
            assert client.get(path).status_code == 200
        assert client.post("/predict", json=IMAGE).status_code == 200
    assert reached == {"127.0.0.1"}


def test_a_slow_client_keeps_nobody_waiting(server):
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(HEAD + b"Content-Length: 100\r\n\r\n")
        for _ in range(3):
            slow.sendall(b"a")
            with server.client() as client:
                assert client.post("/predict", json=IMAGE).status_code == 200


def test_slow_clients_take_no_more_places_than_there_are(tmp_path):
    with running(tmp_path / "bundle", queue=1, batch_size=1) as found, found.client() as client:
        slow = [socket.create_connection(("127.0.0.1", found.port)) for _ in range(2)]
        for each in slow:
            each.sendall(HEAD + b"Content-Length: 100\r\n\r\na")
        until(lambda: client.post("/predict", json=IMAGE).status_code == 503)
        assert found.healthy()
        for each in slow:
            each.close()
        until(lambda: client.post("/predict", json=IMAGE).status_code == 200)


def test_connections_without_a_request_are_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)
    with running(tmp_path / "bundle") as found:
        for begun in (b"", HEAD):
            with socket.create_connection(("127.0.0.1", found.port), timeout=20) as idle:
                idle.sendall(begun)
                assert idle.recv(1) == b""
        with found.client() as client:  # one that asks again and again is kept
            for _ in range(8):
                assert client.get("/health").status_code == 200
                time.sleep(0.08)


def test_it_ends_once_everything_accepted_is_answered(tmp_path):
    with running(tmp_path / "bundle", batch_size=2) as found, found.client() as client:
        found.network.open.clear()
        with ThreadPoolExecutor(7) as clients:
            asked = [clients.submit(client.post, "/predict", json=IMAGE) for _ in range(7)]
            until(lambda: client.get("/health").json()["queued"] >= 5)
            found.server.stop()
            until(lambda: client.get("/health").status_code == 503)
            state = client.get("/health").json()
            assert state["status"] == "draining"
            assert state["queued"] >= 5
            refused = client.post("/predict", json=IMAGE)
            assert refused.status_code == 503
            assert "shutting down" in refused.json()["error"]
            assert refused.headers["retry-after"]
            assert found.thread.is_alive()
            found.network.open.set()
            assert [each.result(60).status_code for each in asked] == [200] * 7
        found.thread.join(30)
        assert not found.thread.is_alive()
        assert found.server.unanswered == 0
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", found.port))


def test_it_ends_after_the_grace_even_if_something_is_not_answered(tmp_path, capfd):
    with running(tmp_path / "bundle", grace=0.3) as found, found.client() as client:
        found.network.open.clear()
        with ThreadPoolExecutor(1) as clients:
            asked = clients.submit(client.post, "/predict", json=IMAGE)
            until(lambda: found.network.batches)
            started = time.monotonic()
            found.server.stop()
            found.thread.join(30)
            assert 0.3 <= time.monotonic() - started < 10
            assert asked.exception(10) is not None or asked.result().status_code >= 500
        assert found.server.unanswered == 1
    assert "Traceback" not in capfd.readouterr().err
