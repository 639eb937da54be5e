"""Images are classified as they are read, whatever the files hold."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_lab.deploy import predicting
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.finding import Failed, Handed
from cifar_lab.deploy.predicting import Answers, Read, answers, batch_size, read
from tests.deploy.test_classifier import IMAGES, USAGE, Net

#: Of 8×8 pixels, in batches of three.
PIXELS = np.random.default_rng(1).integers(0, 256, (10, 8, 8, 3), dtype=np.uint8)
#: Mutated files of the fuzz test, and its seed.
MUTATED, SEED = 400, 0
KINDS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "TGA", "ICO", "JPEG2000")


@pytest.fixture
def classifier() -> Classifier:
    return Classifier(Net().eval(), USAGE)


def encoded(kind: str, pixels: np.ndarray, **settings) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **settings)
    return content.getvalue()


def handed(pixels: np.ndarray) -> list[Handed]:
    return [Handed(f"{n}.png", encoded("PNG", each)) for n, each in enumerate(pixels)]


def test_answers_keep_the_order_in_batches_of_the_evaluation(classifier):
    found = list(answers(classifier, handed(PIXELS), threads=2))
    assert [len(each.names) for each in found] == [3, 3, 3, 1]
    assert [name for each in found for name in each.names] == [f"{n}.png" for n in range(10)]
    np.testing.assert_array_equal(np.concatenate([each.pixels for each in found]), PIXELS)
    together = np.concatenate([each.logits for each in found])
    np.testing.assert_array_equal(together, classifier.logits(PIXELS))


def test_batches_are_those_of_the_evaluation_unless_they_would_fill_the_memory():
    for size, batch, expected in (
        ((32, 32), 1, 1),
        ((32, 32), 1000, 1000),
        ((32, 32), 65_536, 4096),
        ((224, 224), 512, 512),
        ((1024, 1024), 128, 81),  # of 3,145,728 bytes each
    ):
        usage = replace(USAGE, image_size=size, batch_size=batch)
        assert batch_size(usage) == expected


def test_batches_that_were_made_smaller_give_the_same_logits(classifier, monkeypatch):
    monkeypatch.setattr(predicting, "MOST_IMAGES", 4)
    large = replace(classifier, usage=replace(USAGE, batch_size=1000))
    found = list(answers(large, handed(PIXELS), threads=2))
    assert [len(each.names) for each in found] == [4, 4, 2]
    together = np.concatenate([each.logits for each in found])
    np.testing.assert_allclose(together, large.logits(PIXELS), rtol=1e-5, atol=1e-5)


def test_large_images_are_not_read_in_many_large_chunks(monkeypatch):
    """With many threads, of which each has two chunks."""
    taken = []
    monkeypatch.setattr(
        predicting, "_read_all", lambda images, size: (taken.append(len(images)), list(images))[1]
    )
    images = [Handed(str(number), b"") for number in range(5000)]
    found = read(images, (8, 8), threads=16, ahead=160)
    next(found)
    assert sum(taken) <= 160
    found.close()


def test_what_cannot_be_read_leaves_batches_whole(classifier):
    images = handed(PIXELS[:5])
    images[1:1] = [Handed("text", b"no image"), Handed("nowhere", Path("nowhere"))]
    found = list(answers(classifier, images, threads=2))
    assert [each for each in found if isinstance(each, Failed)] == [
        ("text", "could not be read: not an image in a known format"),
        ("nowhere", "does not exist"),
    ]
    batches = [each for each in found if isinstance(each, Answers)]
    assert [each.names for each in batches] == [("0.png", "1.png", "2.png"), ("3.png", "4.png")]
    for each, start in zip(batches, (0, 3), strict=True):
        expected = classifier.logits(PIXELS[start : start + len(each.names)])
        np.testing.assert_array_equal(each.logits, expected)


def test_images_that_are_far_are_told(classifier):
    near = replace(classifier, usage=replace(USAGE, energy_limit=1e6, energy_images=9))
    far = replace(classifier, usage=replace(USAGE, energy_limit=-1e6, energy_images=9))
    for opened, expected in ((classifier, None), (near, [False] * 3), (far, [True] * 3)):
        (only,) = answers(opened, handed(PIXELS[:3]), threads=1)
        assert (None if only.far is None else only.far.tolist()) == expected


def test_no_image_gives_no_answer(classifier):
    assert list(answers(classifier, [], threads=2)) == []


def test_only_some_images_are_in_memory(monkeypatch):
    """Nothing is read far ahead of what is used."""
    started = 0
    lock = threading.Lock()

    def counted(file):
        nonlocal started
        with lock:
            started += 1
        return Image.fromarray(PIXELS[0])

    monkeypatch.setattr(predicting, "read_picture", counted)
    images = [Handed(str(number), b"") for number in range(5000)]
    for used, _ in enumerate(read(images, (8, 8), threads=2, ahead=100)):
        assert started - used <= 100 + 2 * predicting.CHUNK
    assert used == 4999


def test_few_images_are_shared_by_all_threads(monkeypatch):
    meeting = threading.Barrier(4, timeout=20)

    def waiting(file):
        meeting.wait()  # passes only if four threads are here
        return Image.fromarray(PIXELS[0])

    monkeypatch.setattr(predicting, "read_picture", waiting)
    assert len(list(read(handed(PIXELS[:4]), (8, 8), threads=4, ahead=8))) == 4


def test_stopping_early_ends_the_threads():
    found = read(handed(np.repeat(PIXELS, 100, axis=0)), (8, 8), threads=2, ahead=10)
    next(found)
    found.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("read")]


def test_other_sizes_are_resized_as_in_training():
    large = np.random.default_rng(2).integers(0, 256, (20, 31, 3), dtype=np.uint8)
    (found,) = read(handed(large[None]), (8, 8), threads=1, ahead=1)
    expected = Image.fromarray(large).resize((8, 8), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(found.pixels, np.asarray(expected))


def mutated(generator: np.random.Generator, content: bytes) -> bytes:
    """A file with bytes changed, cut, repeated or left out."""
    data = bytearray(content)
    for _ in range(generator.integers(1, 8)):
        place = int(generator.integers(len(data)))
        match generator.integers(5):
            case 0:
                data[place] = int(generator.integers(256))
            case 1:
                data[place] ^= 1 << int(generator.integers(8))
            case 2:
                data = data[: max(place, 1)]
            case 3:
                data[place:place] = generator.bytes(int(generator.integers(1, 9)))
            case _:
                del data[place : min(place + 4, len(data) - 1)]
    return bytes(data)


def test_every_file_is_classified_or_named(classifier):
    generator = np.random.default_rng(SEED)
    whole = [encoded(kind, np.kron(PIXELS[0], np.ones((4, 4, 1), np.uint8))) for kind in KINDS]
    images = [
        Handed(f"{number}", mutated(generator, whole[number % len(whole)]))
        for number in range(MUTATED)
    ]
    found = list(answers(classifier, images, threads=2))
    failed = [each.name for each in found if isinstance(each, Failed)]
    done = [name for each in found if isinstance(each, Answers) for name in each.names]
    assert sorted([*failed, *done], key=int) == [each.name for each in images]
    assert min(len(failed), len(done)) > MUTATED / 10
    for each in found:
        if isinstance(each, Answers):
            assert np.isfinite(each.logits).all()
            assert each.pixels.shape[1:] == IMAGES.shape[1:]


def test_what_is_read_has_the_networks_size():
    for found in read(handed(PIXELS), (5, 7), threads=2, ahead=4):
        assert isinstance(found, Read)
        assert (found.pixels.shape, found.pixels.dtype) == ((5, 7, 3), np.uint8)
