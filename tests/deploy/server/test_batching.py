"""A queue before a network: everyone gets their own answer, in few batches, and none is lost."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cifar_lab.deploy.server.batching import Batcher, Closed, QueueFull


def image(value: int) -> np.ndarray:
    return np.full((1, 2, 2, 3), value, dtype=np.uint8)


class Network:
    """Its logits are the value of an image's pixels and twice that; it can be held up."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.begun = threading.Event()

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.batches.append(len(pixels))
        self.begun.set()
        assert self.goes_on.wait(30)
        values = pixels[:, 0, 0, 0].astype(np.float32)
        return np.stack([values, 2 * values], axis=1)

    def hold(self) -> None:
        self.goes_on.clear()
        self.begun.clear()


@pytest.fixture
def network() -> Network:
    return Network()


def held(network: Network, batch_size: int = 4, queue: int = 100) -> tuple[Batcher, list]:
    """A batcher whose network is busy with an image, so that a queue forms; and its answer."""
    batcher = Batcher(network, batch_size, 0, queue)
    network.hold()
    first = batcher.submit(image(0))
    assert network.begun.wait(10)
    return batcher, first


def test_everyone_gets_their_own_answer(network):
    batcher = Batcher(network, 7, 0.002, 1000)
    with ThreadPoolExecutor(20) as clients:
        futures = list(clients.map(lambda n: batcher.submit(image(n))[0], range(200)))
    for value, future in enumerate(futures):
        assert future.result(10).tolist() == [value, 2 * value]
    assert sum(network.batches) == 200
    assert max(network.batches) <= 7
    assert batcher.close(10)


def test_what_gathers_while_the_network_is_busy_is_one_batch(network):
    batcher, first = held(network)
    several = batcher.submit(np.concatenate([image(n) for n in (1, 2, 3, 4, 5)]))
    assert batcher.waiting == 5
    network.goes_on.set()
    assert [f.result(10)[0] for f in first + several] == [0, 1, 2, 3, 4, 5]
    assert network.batches == [1, 4, 1]
    assert batcher.close(10)


def test_the_first_image_waits_for_others_until_the_batch_is_full(network):
    batcher = Batcher(network, 3, 60, 100)
    futures = batcher.submit(image(1)) + batcher.submit(image(2))
    time.sleep(0.05)
    assert network.batches == []
    futures += batcher.submit(image(3))
    assert [f.result(10)[0] for f in futures] == [1, 2, 3]
    assert network.batches == [3]
    assert batcher.close(10)


def test_an_image_waits_no_longer_than_stated(network):
    batcher = Batcher(network, 100, 0.1, 100)
    started = time.monotonic()
    batcher.submit(image(1))[0].result(10)
    assert 0.1 <= time.monotonic() - started < 5
    assert batcher.close(10)


def test_a_full_queue_takes_all_images_of_a_request_or_none(network):
    batcher, first = held(network, queue=3)
    two = batcher.submit(np.concatenate([image(1), image(2)]))
    with pytest.raises(QueueFull):
        batcher.submit(np.concatenate([image(8), image(9)]))
    assert batcher.waiting == 2
    third = batcher.submit(image(3))
    network.goes_on.set()
    assert [f.result(10)[0] for f in first + two + third] == [0, 1, 2, 3]
    assert batcher.close(10)


def test_closing_answers_the_queue_and_takes_no_more(network):
    batcher, first = held(network)
    waiting = batcher.submit(np.concatenate([image(n) for n in range(9)]))
    assert not batcher.close(0.01)
    with pytest.raises(Closed):
        batcher.submit(image(1))
    network.goes_on.set()
    assert batcher.close(10)
    assert [f.result(0)[0] for f in first + waiting] == [0, *range(9)]


def test_a_failed_batch_fails_alone():
    def compute(pixels: np.ndarray) -> np.ndarray:
        if pixels.max() == 7:
            raise RuntimeError("out of memory")
        return pixels[:, 0, 0, :2].astype(np.float32)

    batcher = Batcher(compute, 1, 0, 100)
    wrong, right = batcher.submit(np.concatenate([image(7), image(8)]))
    with pytest.raises(RuntimeError, match="out of memory"):
        wrong.result(10)
    assert right.result(10).tolist() == [8, 8]
    assert batcher.close(10)


def test_whoever_has_gone_is_not_computed(network):
    batcher, first = held(network)
    gone, stayed = batcher.submit(np.concatenate([image(1), image(2)]))
    assert gone.cancel()
    network.goes_on.set()
    assert (first[0].result(10)[0], stayed.result(10)[0]) == (0, 2)
    assert network.batches == [1, 1]
    assert batcher.close(10)
