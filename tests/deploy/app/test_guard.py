"""Nothing is served but what the page needs, and nothing is fetched."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import httpx
import pytest

from cifar_lab.deploy.app import guard
from cifar_lab.deploy.app.guard import Guard
from tests.deploy.app.networks import answers_of, bundle, served


async def _echo(scope, receive, send):
    """An application that answers with what it was sent."""
    body, more = b"", scope["method"] == "POST"
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"echo " + body})


def asked(method: str, path: str, hosts=("testserver",), **options) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Guard(_echo, hosts))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, **options)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "path",
    ["/", "/config", "/theme.css?v=1", "/assets/index.js", "/static/js/a.js", "/gradio_api/info",
     "/gradio_api/queue/data?session_hash=a", "/gradio_api/heartbeat/abc"],
)  # fmt: skip
def test_what_the_page_needs_is_passed_on(path):
    found = asked("GET", path)
    assert (found.status_code, found.text) == (200, "echo ")
    assert "connect-src 'self'" in found.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("GET", "/file=/etc/passwd"),
        ("HEAD", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1:1/"),
        ("GET", "/assets/../../etc/passwd"),
        ("GET", "/assets/%2e%2e/%2e%2e/etc/passwd"),
        ("GET", "/monitoring/summary"),
        ("GET", "/docs"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/run/classify"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/vibe-edit"),
        ("POST", "/"),
        ("PUT", "/config"),
        ("OPTIONS", "/config"),
    ],
)
def test_nothing_else_is(method, path):
    found = asked(method, path)
    assert found.status_code == 404
    assert "echo" not in found.text


def test_another_name_of_the_server_is_refused():
    assert asked("GET", "/", headers={"host": "evil.example"}).status_code == 403
    assert asked("GET", "/", headers={"host": "testserver:8000"}).status_code == 200
    assert asked("GET", "/", hosts=(), headers={"host": "evil.example"}).status_code == 200


QUESTION = "/gradio_api/queue/join"


def test_a_question_is_passed_on_whole(monkeypatch):
    body = json.dumps({"data": ["x" * 100_000, {"a": ['"path"']}]}).encode()
    assert asked("POST", QUESTION, content=body).content == b"echo " + body


@pytest.mark.parametrize(
    "named",
    [
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"path": "http://127.0.0.1:1/x.png", "meta": {"_type": "gradio.FileData"}},
        [[{"deep": {"path": ""}}]],
    ],
)
def test_a_question_that_names_a_file_or_an_address_is_refused(named):
    body = json.dumps({"data": [1, named]})
    for written in (body, body.replace("path", "\\u0070ath")):
        for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-32"):
            assert asked("POST", QUESTION, content=written.encode(encoding)).status_code == 400


def test_a_question_that_is_not_json_is_refused_if_it_may_name_something():
    assert asked("POST", QUESTION, content=b'{"path"').status_code == 400


def test_a_large_question_is_refused(monkeypatch):
    monkeypatch.setattr(guard, "MOST_BODY", 1000)
    assert asked("POST", QUESTION, content=b"x" * 1000).status_code == 200
    assert asked("POST", QUESTION, content=b"x" * 1001).status_code == 413

    async def in_pieces():
        for _ in range(11):
            yield bytes(100)

    assert asked("POST", QUESTION, content=in_pieces()).status_code == 413


def test_questions_that_would_fill_the_memory_are_to_come_later(monkeypatch):
    monkeypatch.setattr(guard, "MEMORY_BYTES", 1000)
    assert asked("POST", QUESTION, content=b"x" * 1000).status_code == 200
    found = asked("POST", QUESTION, content=b"x" * 1001)
    assert (found.status_code, found.headers["retry-after"]) == (503, "5")
    assert "too many questions wait" in found.text


def test_a_question_counts_while_it_is_read_and_not_once_it_is_answered(monkeypatch):
    monkeypatch.setattr(guard, "MEMORY_BYTES", 1000)
    guarded, held = Guard(_echo), asyncio.Event()

    async def slow():
        yield b"x" * 600
        await held.wait()

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            first = asyncio.create_task(client.post(QUESTION, content=slow()))
            while guarded._memory.left == 1000:
                await asyncio.sleep(0.01)
            second = await client.post(QUESTION, content=b"x" * 401)
            held.set()
            third = await first
            fourth = await client.post(QUESTION, content=b"x" * 1000)
            return [each.status_code for each in (second, third, fourth)]

    assert asyncio.run(asyncio.wait_for(ask(), 20)) == [503, 200, 200]


@pytest.mark.extra("app")
def test_the_server_reads_no_file_and_fetches_nothing(tmp_path):
    of = bundle(tmp_path / "bundle")
    with served(answers_of(of)) as address, socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.2)
        outside = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/x.png"
        for name in ("/etc/passwd", of.path / "bundle.json", outside, Path(__file__)):
            for route in ("gradio_api/file=", "file=", "gradio_api/file/", "gradio_api/proxy="):
                assert httpx.get(f"{address}/{route}{name}").status_code == 404
            file = {"path": str(name), "meta": {"_type": "gradio.FileData"}}
            for route in ("queue/join", "call/classify"):
                asking = {"data": [file, 3], "fn_index": 0, "session_hash": "a"}
                found = httpx.post(f"{address}/gradio_api/{route}", json=asking)
                assert found.status_code == 400
        with pytest.raises(TimeoutError):
            elsewhere.accept()


@pytest.mark.extra("app")
def test_the_page_names_no_other_server(tmp_path):
    with served(answers_of(bundle(tmp_path / "bundle"))) as address:
        page = httpx.get(f"{address}/").text + httpx.get(f"{address}/theme.css").text
    for sign in ("fonts.googleapis", "cdnjs", "cdn.", "jsdelivr", '<script src="http'):
        assert sign not in page
