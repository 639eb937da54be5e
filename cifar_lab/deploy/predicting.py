"""Classifies images as they are read: decoding goes on while the network computes.

Only some batches are in memory at any time, however many images there are.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.picture import fitted, read_picture, without_warnings
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.finding import Failed, Handed
from cifar_lab.deploy.usage import Usage

#: Most files that a thread reads before it is handed others.
CHUNK = 32
#: Most images of a batch, and most bytes of its pixels: a stranger's bundle may ask for any number.
MOST_IMAGES, MOST_BYTES = 4096, 256_000_000


class Read(NamedTuple):
    """An image of the network's size: its name and uint8 ``(height, width, 3)``."""

    name: str
    pixels: NDArray[np.uint8]


class Answers(NamedTuple):
    """What the network makes of a batch of images.

    Attributes:
        names: of the images.
        pixels: uint8 ``(n, height, width, 3)``, of the network's size.
        logits: float32 ``(n, classes)``.
        far: bool ``(n,)``, whether each is far from the images in training; None if unknown.
    """

    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    logits: NDArray[np.float32]
    far: NDArray[np.bool_] | None


def answers(
    classifier: Classifier, images: Sequence[Handed], threads: int
) -> Generator[Answers | Failed]:
    """Classify images in batches of the size in which the network was evaluated.

    Larger batches than memory should hold are made smaller, which may change the last bits of
    logits. Images that cannot be read are named and left out of the batches.

    Args:
        classifier: a trained network.
        images: in order, which the answers keep.
        threads: that read images.
    """
    usage = classifier.usage
    size = batch_size(usage)
    batch: list[Read] = []
    # Twice a batch, so that threads have work while the network computes.
    for found in read(images, usage.image_size, threads, 2 * size):
        if isinstance(found, Failed):
            yield found
            continue
        batch.append(found)
        if len(batch) == size:
            yield _answered(classifier, batch)
            batch = []
    if batch:
        yield _answered(classifier, batch)


def batch_size(usage: Usage) -> int:
    """Return how many images are classified at once."""
    height, width = usage.image_size
    return max(min(usage.batch_size, MOST_IMAGES, MOST_BYTES // (3 * height * width)), 1)


def read(
    images: Sequence[Handed], size: tuple[int, int], threads: int, ahead: int
) -> Iterator[Read | Failed]:
    """Read images with several threads, in order.

    Args:
        images: in any number.
        size: height and width to which they are resized.
        threads: that read them.
        ahead: how many images may wait to be used, at least about two for each thread.
    """
    # Few images, which may be large, are shared by all threads as well.
    chunk = max(min(CHUNK, math.ceil(len(images) / threads), ahead // (2 * threads)), 1)
    most = max(math.ceil(ahead / chunk), 2 * threads)
    waiting: deque[Future[list[Read | Failed]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read")
    with without_warnings():
        try:
            for start in range(0, len(images), chunk):
                waiting.append(pool.submit(_read_all, images[start : start + chunk], size))
                if len(waiting) >= most:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _read_all(images: Sequence[Handed], size: tuple[int, int]) -> list[Read | Failed]:
    return [_read(image, size) for image in images]


def _read(image: Handed, size: tuple[int, int]) -> Read | Failed:
    pixels = fitted(read_picture(image.file), size)
    if isinstance(pixels, str):
        return Failed(image.name, pixels)
    return Read(image.name, pixels)


def _answered(classifier: Classifier, batch: Sequence[Read]) -> Answers:
    pixels = np.stack([each.pixels for each in batch])
    logits = classifier.logits(pixels)
    return Answers(tuple(each.name for each in batch), pixels, logits, classifier.far(logits))
