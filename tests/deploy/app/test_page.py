"""The page answers many visitors at once, and each only about what was theirs."""

from __future__ import annotations

import json
import os
import re
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from cifar_lab.deploy.app import guard, page
from tests.deploy.app.networks import answers_of, bundle, noise, png, sent, served
from tests.deploy.server.running import until

pytestmark = pytest.mark.extra("app")
#: Values of the page's settings: classes to list, whether to look, layer, class, opacity, signed.
SETTINGS = [3, True, "layer1", -1, 60, True]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return answers_of(bundle(tmp_path_factory.mktemp("app") / "bundle"))


@pytest.fixture(scope="module")
def address(answers):
    with served(answers) as found:
        yield found


@pytest.fixture(scope="module")
def events(address) -> dict[str, int]:
    """Number of each event of the page, by its name."""
    config = httpx.get(f"{address}/config").json()
    return {
        each["targets"][0][1] + str(len(each["inputs"])): each["id"]
        for each in config["dependencies"]
        if each["targets"]
    }


def asked(address: str, event: int, data: list, about: object = None, session: str = "") -> list:
    """Ask as the page does, and wait for the answer."""
    session = session or uuid.uuid4().hex
    body = {"fn_index": event, "data": data, "event_data": about, "session_hash": session}
    with httpx.Client(base_url=address, timeout=120) as client:
        client.post("/gradio_api/queue/join", json=body).raise_for_status()
        with client.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as lines:
            for line in lines.iter_lines():
                message = json.loads(line.removeprefix("data:") or "{}")
                if message.get("msg") == "process_completed":
                    assert message["success"], message
                    return message["output"]["data"]
    raise AssertionError("it was not answered")


def accepted(address: str, content: bytes) -> str:
    """Ask as a program does; what to wait for."""
    body = {"data": [sent(content), 2]}
    return httpx.post(f"{address}/gradio_api/call/classify", json=body).json()["event_id"]


def called(address: str, event: str) -> tuple[str, Any]:
    """Wait for the answer to a program."""
    url = f"{address}/gradio_api/call/classify/{event}"
    with httpx.stream("GET", url, timeout=120) as response:
        lines = [line for line in response.iter_lines() if line]
    return lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))


def shares(drawn: str) -> dict[str, str]:
    """Per cent by class of an answer."""
    return dict(re.findall(r'title="([^"]*)">.*?class="percent">([\d.]+)', drawn))


def expected(answers, pixels) -> dict[str, str]:
    found = answers.answer(pixels, None)
    return {each.name: f"{100 * each.probability:.1f}" for each in found.ranked[:3]}


def test_fifty_uploads_at_once_are_answered_each_for_its_own_image(address, answers, events):
    images = [noise(n, 32, 32) for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        drawn = list(
            pool.map(
                lambda pixels: asked(
                    address, events["given6"], SETTINGS, {"content": sent(png(pixels))}
                ),
                images,
            )
        )
    for pixels, (_, answer) in zip(images, drawn, strict=True):
        assert shares(answer) == expected(answers, pixels)


def test_whoever_asks_first_is_answered_first(address, answers, monkeypatch):
    order, plain = [], answers.answer
    monkeypatch.setattr(
        answers, "answer", lambda pixels, look: (order.append(pixels), plain(pixels, look))[1]
    )
    images = [noise(100 + n, 32, 32) for n in range(50)]
    waiting = [accepted(address, png(pixels)) for pixels in images]
    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(lambda event: called(address, event), waiting))
    assert [pixels.tobytes() for pixels in order] == [pixels.tobytes() for pixels in images]
    for pixels, (kind, (result,)) in zip(images, results, strict=True):
        found = plain(pixels, None)
        assert kind == "complete"
        assert result == {
            "classes": [
                {"name": each.name, "probability": each.probability} for each in found.ranked[:2]
            ],
            "far": found.far,
            "notes": [],
        }


def test_no_more_questions_wait_than_may(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "LONGEST_QUEUE", 2)
    answers = answers_of(bundle(tmp_path / "bundle"))
    body = {"data": [sent(png(noise(1, 32, 32))), 2]}
    with served(answers) as address, answers._turn:
        found = [
            httpx.post(f"{address}/gradio_api/call/classify", json=body).status_code
            for _ in range(9)
        ]
    assert found[:2] == [200] * 2
    assert found[3:] == [503] * 6


def test_uploads_that_wait_take_no_more_memory_than_they_may(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "MEMORY_BYTES", 70_000)
    answers = answers_of(bundle(tmp_path / "bundle"))
    body = {"data": [sent(png(noise(1, 64, 64))), 2]}  # about 16 kB as text

    def ask(address: str) -> int:
        return httpx.post(f"{address}/gradio_api/call/classify", json=body).status_code

    with served(answers) as address:
        with answers._turn:
            found = [ask(address) for _ in range(9)]
        assert found[:2] == [200] * 2
        assert found[6:] == [503] * 3
        until(lambda: ask(address) == 200)  # those that waited have been answered


def test_settings_apply_to_ones_own_image_only(address, answers, events):
    mine, other = noise(1, 32, 32), noise(2, 32, 32)
    for session, pixels in (("mine", mine), ("other", other)):
        asked(address, events["given6"], SETTINGS, {"content": sent(png(pixels))}, session)
    again = asked(address, events["change7"], [None, *SETTINGS], None, "mine")
    assert shares(again[0]) == expected(answers, mine)
    nobody = asked(address, events["change7"], [None, *SETTINGS], None, "new")
    assert "Upload an image" in nobody[0]


def test_a_bad_upload_is_one_message_and_forgets_the_image_before(address, events):
    asked(address, events["given6"], SETTINGS, {"content": sent(png(noise(3, 32, 32)))}, "bad")
    _, drawn = asked(address, events["given6"], SETTINGS, {"content": sent(b"hello")}, "bad")
    assert drawn.count("could not be read") == 1
    again = asked(address, events["change7"], [None, *SETTINGS], None, "bad")
    assert "Upload an image" in again[0]


def test_bad_uploads_of_programs_are_one_message(address):
    kind, told = called(address, accepted(address, b"hello"))
    assert kind == "error"
    assert "not an image in a known format" in told["error"]


def test_an_example_is_answered_with_its_class(address, answers, events):
    _, drawn = asked(address, events["chosen6"], SETTINGS, {"number": 1})
    pixels = answers.contents.pixels(answers.contents.description.examples[1])
    assert shares(drawn) == expected(answers, pixels)
    assert "(true)" in drawn
    for number in (3, -1, "0", None):
        _, drawn = asked(address, events["chosen6"], SETTINGS, {"number": number})
        assert "Upload an image" in drawn


@pytest.mark.parametrize("about", [None, "text", 3, [], [{"number": 1}], {}, {"number": True}])
def test_events_that_say_nothing_of_the_kind_are_no_trouble(address, events, capfd, about):
    _, drawn = asked(address, events["given6"], SETTINGS, about)
    assert "This file could not be read" in drawn
    _, drawn = asked(address, events["chosen6"], SETTINGS, about)
    assert "Upload an image" in drawn
    assert capfd.readouterr().err == ""


def test_no_upload_is_left_on_disk(address, events):
    def files() -> set[str]:
        folder = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")
        return {str(path) for path in folder.rglob("*") if path.is_file()}

    before = files()
    asked(address, events["given6"], SETTINGS, {"content": sent(png(noise(4, 32, 32)))})
    assert files() == before
