"""What holds for all corruptions: shapes, seeds, rows, and harder at each severity."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.corruptions import suite
from cifar_lab.data.corruptions.suite import CORRUPTIONS, FAMILIES, SEVERITIES, corrupted, lab_suite

#: Those that draw nothing at random.
FIXED = {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression"}


def pictures(count: int = 12, side: int = 32, seed: int = 0) -> np.ndarray:
    """Smooth coloured shapes, like photographs in their spectrum: uint8 ``(n, side, side, 3)``."""
    stream = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        layers = [
            cv2.resize(
                stream.random((cells, cells, 3)), (side, side), interpolation=cv2.INTER_CUBIC
            )
            / cells**0.7
            for cells in (2, 4, 8, 16)
        ]
        picture = sum(layers)
        low, high = picture.min(), picture.max()
        made.append(20 + 180 * (picture - low) / (high - low))
    return np.stack(made).round().astype(np.uint8)


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return pictures()


def test_there_are_fifteen_in_the_four_families_of_the_paper():
    assert [len(names) for names in FAMILIES.values()] == [3, 4, 4, 4]
    assert all(len(each.strengths) == len(SEVERITIES) for each in CORRUPTIONS.values())


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_image_depends_on_its_row_alone(name, clean, monkeypatch):
    before = clean.copy()
    whole = corrupted(clean, name, 3)
    assert whole.dtype == np.uint8
    assert whole.shape == clean.shape
    np.testing.assert_array_equal(clean, before)
    np.testing.assert_array_equal(corrupted(clean[5:6], name, 3, first_row=5), whole[5:6])
    monkeypatch.setattr(suite, "CHUNK_IMAGES", 5)
    np.testing.assert_array_equal(corrupted(clean, name, 3), whole)
    same = [np.array_equal(corrupted(clean, name, 3, **other), whole)
            for other in ({"seed": 1}, {"first_row": 100})]  # fmt: skip
    assert same == [name in FIXED] * 2


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_severity_is_further_from_the_clean_images(name, clean):
    far = [np.abs(corrupted(clean, name, s).astype(float) - clean).mean() for s in SEVERITIES]
    assert far[0] > 0.5
    assert all(nearer < farther for nearer, farther in itertools.pairwise(far)), far


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(8, 8), (9, 14), (96, 96)])
def test_any_size_is_corrupted(name, shape):
    images = np.random.default_rng(0).integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    for severity in (1, 5):
        found = corrupted(images, name, severity)
        assert found.shape == images.shape
        assert np.ptp(found) > 0


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_grey_images_stay_sensible(name):
    """Without colour noise, or the blue of ice, equal channels stay equal to a level or two."""
    grey = np.repeat(pictures(4)[..., :1], 3, axis=3)
    found = corrupted(grey, name, 4).astype(int)
    spread = (found.max(axis=3) - found.min(axis=3)).max()
    coloured = {"gaussian_noise", "shot_noise", "impulse_noise", "frost"}
    assert (spread > 2) == (name in coloured)
    black = corrupted(np.zeros((2, 16, 16, 3), np.uint8), name, 1)
    assert black.mean() < 80


def test_the_suite_makes_its_images_when_asked(clean):
    labels = np.arange(len(clean)) % 3
    ids = np.array([str(row) for row in labels])
    found = lab_suite(ImageArrays(clean, labels, ("a", "b", "c"), ids))
    assert (found.name, found.version, found.seed, found.files) == ("corruptions@lab", 1, 0, {})
    assert len(found.conditions) == 75
    last = found.conditions[-1]
    assert (last.name, last.severity, last.averaged) == ("jpeg_compression", 5, True)
    np.testing.assert_array_equal(last.images(), corrupted(clean, "jpeg_compression", 5))
    np.testing.assert_array_equal(last.labels, labels)
