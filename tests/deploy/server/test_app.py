"""The routes, asked by another library over a real connection."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import jsonschema
import numpy as np
import pytest

from cifar_lab.deploy.server.limits import Limits
from cifar_lab.deploy.server.schema import openapi
from tests.deploy.bundles import DESCRIBED
from tests.deploy.server.running import Running, running, until
from tests.deploy.server.test_bodies import PIXELS, form, png, text

pytestmark = pytest.mark.extra("app")
IMAGES = np.random.default_rng(1).integers(0, 256, (100, 32, 32, 3), dtype=np.uint8)
PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("server") / "bundle", body_bytes=1_000_000) as found:
        yield found


@pytest.fixture
def client(server: Running):
    with server.client() as client:
        yield client


def probabilities(prediction: dict) -> list[float]:
    """Of all classes, in the order of the network's."""
    return [prediction["probabilities"][name] for name in DESCRIBED.usage.class_names]


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits.astype(np.float64))
    return shares / shares.sum(axis=-1, keepdims=True)


def test_a_hundred_clients_at_once_get_their_own_answers(server, client):
    """As the network gives them one at a time, up to the rounding of another batch size."""
    expected = softmax(np.concatenate([server.classifier.logits(each[None]) for each in IMAGES]))
    contents = [png(each) for each in IMAGES]
    server.network.batches.clear()

    def ask(content: bytes) -> dict:
        return client.post("/predict?top=3", content=content, headers=PNG).json()

    with ThreadPoolExecutor(100) as clients:
        answers = list(clients.map(ask, contents))
    found = np.asarray([probabilities(each["predictions"][0]) for each in answers])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    apart = np.abs(expected[:, None] - expected[None]).max(2) + np.eye(100)
    assert np.median(apart.min(1)) > 5e-4  # most would be noticed if they were another's
    assert sum(server.network.batches) == 100 > len(server.network.batches)


def test_every_way_to_send_images_gives_the_same_answers(client):
    contents = [png(each) for each in PIXELS]
    kind, body = form(*(("image", each) for each in contents))
    answers = [
        client.post("/predict", content=body, headers={"Content-Type": kind}),
        client.post("/predict", json={"images": [text(each) for each in contents]}),
        client.post("/predict", json={"pixels": PIXELS.tolist()}),
    ]
    alone = [client.post("/predict", content=each, headers=PNG) for each in contents]
    single = [client.post("/predict", json={"image": text(each)}) for each in contents]
    assert {each.status_code for each in (*answers, *alone, *single)} == {200}
    sets = [each.json()["predictions"] for each in answers]
    sets += [[each.json()["predictions"][0] for each in group] for group in (alone, single)]
    first = np.asarray([probabilities(each) for each in sets[0]])
    assert first.shape == (3, 3)
    for other in sets[1:]:
        np.testing.assert_allclose([probabilities(each) for each in other], first, atol=1e-5)


def test_far_is_a_hint_of_the_classifier(server, client):
    found = client.post("/predict", json={"pixels": PIXELS.tolist()}).json()["predictions"]
    expected = server.classifier.far(server.classifier.logits(PIXELS)).tolist()
    assert [each["far"] for each in found] == expected


def test_health_and_model(client):
    health = client.get("/health")
    assert (health.status_code, health.json()) == (200, {"status": "ok", "queued": 0})
    found = client.get("/model").json()
    assert (found["name"], found["classes"]) == ("insects", ["ant", "bee", "cat"])


def test_answers_are_as_the_schema_says(client):
    schema = client.get("/openapi.json").json()
    assert schema == openapi(DESCRIBED, Limits(body_bytes=1_000_000))
    components = {"components": schema["components"]}
    asked = [
        ("/predict", "post", client.post("/predict?top=2", json={"pixels": PIXELS[0].tolist()})),
        ("/predict", "post", client.post("/predict?top=9", json={})),
        ("/predict", "post", client.post("/predict", json={})),
        ("/predict", "post", client.post("/predict", content=b"x")),
        ("/predict", "post", client.post("/predict", content=b"x", headers=PNG)),
        ("/health", "get", client.get("/health")),
        ("/model", "get", client.get("/model")),
    ]
    for path, method, answer in asked:
        expected = schema["paths"][path][method]["responses"][str(answer.status_code)]
        content = expected["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), {**content, **components})
    assert [each.status_code for _, _, each in asked] == [200, 400, 400, 415, 422, 200, 200]


def test_the_page_of_documentation_loads_nothing(server, client):
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    found = re.findall(r"(?:https?:)?//[^\s'\"<]+", page.text)
    assert found
    assert all(each.startswith(server.address + "/") for each in found)
    assert not re.search(r"<(script|img|link|iframe)|@import|url\(", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for path in client.get("/openapi.json").json()["paths"]:
        assert f" {path}</code>" in page.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/predict", 405), ("PUT", "/predict", 405), ("POST", "/docs", 405)],
)
def test_other_paths_and_methods_say_where_to_look(client, method, path, status):
    answer = client.request(method, path)
    assert (answer.status_code, "see /docs" in answer.json()["error"]) == (status, True)


def test_a_body_that_is_too_large_is_answered_before_it_has_arrived(server, client):
    for size in (1_000_001, 3_000_000, 50_000_000):
        answer = client.post("/predict", content=b"x" * size, headers=PNG)
        said = {"error": "the body is too large: send at most 1 MB"}
        assert (answer.status_code, answer.json()) == (413, said)

    def chunks():
        for _ in range(30):
            yield b"x" * 100_000

    assert client.post("/predict", content=chunks(), headers=PNG).status_code == 413
    assert client.post("/predict", content=b"x" * 1_000_000, headers=PNG).status_code == 422


def test_compressed_bodies_are_not_accepted(client):
    answer = client.post("/predict", content=b"x", headers={**PNG, "Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert "Content-Encoding gzip is not accepted" in answer.json()["error"]


def test_a_network_that_fails_is_an_answer_and_not_the_end(server, client, monkeypatch, caplog):
    def fails(_):
        raise RuntimeError("CUDA error: out of memory\nmore")

    with monkeypatch.context() as patch:
        patch.setattr(server.network, "_logits", fails)
        answer = client.post("/predict", json={"pixels": PIXELS[0].tolist()})
    assert answer.status_code == 500
    assert answer.json() == {"error": "the network failed: CUDA error: out of memory"}
    assert client.post("/predict", json={"pixels": PIXELS[0].tolist()}).status_code == 200


def test_a_mistake_of_ours_shows_no_traceback(server, client, monkeypatch, capfd):
    def fails(*_):
        raise KeyError("secret")

    with monkeypatch.context() as patch:
        patch.setattr("cifar_lab.deploy.server.app.answers.predictions", fails)
        answer = client.post("/predict", json={"pixels": PIXELS[0].tolist()})
    assert answer.status_code == 500
    assert answer.json() == {"error": "the server failed; its log says why"}
    assert "Traceback" not in capfd.readouterr().err


def test_a_full_queue_says_when_to_try_again(tmp_path):
    image = {"pixels": PIXELS[0].tolist()}
    with running(tmp_path / "bundle", queue=2, batch_size=1) as held, held.client() as client:
        held.network.open.clear()
        with ThreadPoolExecutor(3) as clients:
            first = clients.submit(client.post, "/predict", json=image)
            until(lambda: held.network.batches)
            others = [clients.submit(client.post, "/predict", json=image) for _ in range(2)]
            until(lambda: client.get("/health").json() == {"status": "ok", "queued": 2})
            refused = client.post("/predict", json=image)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json() == {
                "error": "the queue of 2 images is full: try again in a second"
            }
            held.network.open.set()
            assert [each.result(60).status_code for each in (first, *others)] == [200] * 3
        assert client.post("/predict", json=image).status_code == 200
        many = client.post("/predict", json={"pixels": PIXELS.tolist()})
        assert (many.status_code, "3 images are too many" in many.text) == (413, True)


def test_bodies_that_would_fill_the_memory_are_to_come_later(tmp_path):
    """Others are answered meanwhile, and so is the same request once there is room."""
    with running(tmp_path / "bundle", memory_bytes=1_000_000) as found, found.client() as client:
        with socket.create_connection(("127.0.0.1", found.port), timeout=30) as slow:
            head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{found.port}\r\n"
            head += "Content-Type: image/png\r\nContent-Length: 800000\r\n\r\n"
            slow.sendall(head.encode() + bytes(700_000))
            until(lambda: found.service._memory.left <= 300_000)
            refused = client.post("/predict", content=bytes(400_000), headers=PNG)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json() == {
                "error": "all requests together hold 1 MB already: try again in a second"
            }
            answered = client.post("/predict", content=bytes(200_000), headers=PNG)
            assert answered.status_code == 422
        until(lambda: found.service._memory.left == 1_000_000)  # it broke off
        assert client.post("/predict", content=bytes(400_000), headers=PNG).status_code == 422


def test_images_that_wait_count_with_their_pixels(tmp_path):
    image = {"pixels": PIXELS[0].tolist()}
    with running(tmp_path / "bundle", memory_bytes=30_000) as found, found.client() as client:
        many = {"images": [text(png(np.zeros((8, 8, 3), np.uint8)))] * 10}
        answer = client.post("/predict", json=many)  # each has 3,072 bytes for the network
        assert (answer.status_code, "send at most 9" in answer.text) == (413, True)
        found.network.open.clear()
        several = {"images": many["images"][:8]}
        with ThreadPoolExecutor(1) as clients:
            first = clients.submit(client.post, "/predict", json=several)
            until(lambda: found.network.batches)
            assert client.post("/predict", json=several).status_code == 503
            found.network.open.set()
            assert first.result(60).status_code == 200
        assert client.post("/predict", json=image).status_code == 200


def test_a_body_that_does_not_arrive_is_given_up(tmp_path):
    with running(tmp_path / "bundle", body_seconds=0.3) as found:
        with socket.create_connection(("127.0.0.1", found.port), timeout=30) as slow:
            slow.sendall(
                b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
                b"Content-Length: 100\r\n\r\nabc"
            )
            answer = b""
            while chunk := slow.recv(10_000):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert json.loads(answer.split(b"\r\n\r\n")[1]) == {
            "error": "the body did not arrive within 0.3 s"
        }
        assert found.healthy()


@pytest.mark.parametrize("path", ["/predict", "/health", "/docs", "/nothing"])
def test_another_name_of_the_server_is_refused(server, client, path):
    """As a page of another site would use it, whose name points at this machine."""
    method = "POST" if path == "/predict" else "GET"
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", ""):
        answer = client.request(method, path, headers={"Host": host})
        assert answer.status_code == 403
        assert "address it as 127.0.0.1 or localhost" in answer.json()["error"]
        assert "insects" not in answer.text
    assert client.get("/health", headers={"Host": f"localhost:{server.port}"}).status_code == 200


def test_nothing_is_logged_unless_asked_for(server, capfd):
    httpx.get(server.address + "/health", trust_env=False)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
