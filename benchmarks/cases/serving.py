"""Requests per second, and the time to an answer, with many clients at once."""

from __future__ import annotations

import http.client
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import ours, peers
from benchmarks.measure import Case, Result, Settings, assert_close, compare
from benchmarks.processes import CIFAR_LAB

CLIENTS = 32
#: Of answers, relative: batches of another size are rounded otherwise.
CLOSE = 1e-4


def measure(settings: Settings, percentile: float | None) -> Result:
    """Asserts that both servers give the same probabilities, then measures them in turn.

    Args:
        settings: of the measurement.
        percentile: of the times from a request to its answer, to compare; None compares the time
            until all requests are answered.
    """
    images = _images(settings.size(10, 2) * CLIENTS)
    with tempfile.TemporaryDirectory() as name:
        bundle = ours.bundle(Path(name) / "bundle", 64 if not settings.quick else 4)
        mine = [CIFAR_LAB, "serve", bundle, "--port", "0", "--threads", "1"]
        theirs = [sys.executable, peers.FOLDER / "plain_server.py", bundle]
        with _serving(mine) as our_port, _serving(theirs) as their_port:
            answers = [_asked(port, images)[1] for port in (our_port, their_port)]
            largest = assert_close("probabilities", answers[0], answers[1], CLOSE)
            sides = [_Load(port, images, percentile) for port in (our_port, their_port)]
            result = compare(sides[0], sides[1], settings.size(6, 2))
    rates = [
        f"{side.rate:.0f}/s with p50 {side.milliseconds(50):.0f} ms, "
        f"p99 {side.milliseconds(99):.0f} ms"
        for side in sides
    ]
    return result.noted(
        f"{CLIENTS} clients, {len(images)} PNG files of 32×32, float32, one thread for the network",
        f"probabilities differ by {largest:.1g} at most",
        f"{rates[0]} against {rates[1]}",
    )


class _Load:
    """One measurement of a server: all clients ask until every image is answered once."""

    def __init__(self, port: int, images: Sequence[bytes], percentile: float | None) -> None:
        self._port, self._images, self._percentile = port, images, percentile
        self._walls: list[float] = []
        self._seconds: list[NDArray[np.float64]] = []

    def __call__(self) -> float:
        started = time.perf_counter()
        seconds, _ = _asked(self._port, self._images)
        self._walls.append(time.perf_counter() - started)
        self._seconds.append(seconds)
        if self._percentile is None:
            return self._walls[-1]
        return float(np.percentile(seconds, self._percentile))

    @property
    def rate(self) -> float:
        """Requests per second, in the median of the measurements after the warm-up."""
        return len(self._images) / float(np.median(self._walls[1:]))

    def milliseconds(self, percentile: float) -> float:
        """Time to an answer that so many percent stay below, likewise."""
        return 1000 * float(np.median(np.percentile(self._seconds[1:], percentile, axis=1)))


def _asked(port: int, images: Sequence[bytes]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sends each image once; returns the seconds to each answer, and the probabilities."""
    shares = [images[first::CLIENTS] for first in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        found = list(clients.map(lambda share: _one_client(port, share), shares))
    timed = [each for share in found for each in share]
    probabilities = [json.loads(answer)["predictions"][0]["probabilities"] for _, answer in timed]
    names = sorted(probabilities[0])
    return (
        np.asarray([seconds for seconds, _ in timed]),
        np.asarray([[each[name] for name in names] for each in probabilities]),
    )


def _one_client(port: int, images: Sequence[bytes]) -> list[tuple[float, bytes]]:
    """Sends images one after the other over one connection; seconds and answer of each."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    found = []
    for image in images:
        started = time.perf_counter()
        connection.request("POST", "/predict?top=10", image, {"Content-Type": "image/png"})
        answer = connection.getresponse().read()
        found.append((time.perf_counter() - started, answer))
    connection.close()
    return found


@contextmanager
def _serving(command: Sequence[str | Path]) -> Iterator[int]:
    """Runs a server that prints its address; yields its port."""
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        text=True,
        # Threads that wait for each other are slower than one, where clients need the cores.
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield int(line.split("http://127.0.0.1:")[1].split()[0])
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _images(count: int) -> list[bytes]:
    """Distinct images, encoded as PNG."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return [_png(each) for each in pixels]


def _png(pixels: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png")
    return content.getvalue()


AGAINST = "a starlette server that computes one image at a time"

CASES = [
    Case(
        name="serving-rate",
        what=f"requests per second with {CLIENTS} clients at once, custom ResNet",
        against=AGAINST,
        run=lambda settings: measure(settings, None),
    ),
    Case(
        name="serving-p99",
        what=f"how much sooner 99 % of the answers have come, {CLIENTS} clients at once",
        against=AGAINST,
        run=lambda settings: measure(settings, 99),
    ),
]
