"""Planted near-duplicates among unrelated images, and a comparison with all pairs."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from cifar_lab.data import near_duplicates as module
from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.near_duplicates import NearDuplicates, near_duplicates

NUMBER, PLANTED = 60, 7


def pictures(number: int = NUMBER, side: int = 32, seed: int = 0) -> np.ndarray:
    """Unrelated coloured pictures with more coarse than fine structure, uint8, as photos have."""
    generator, drawn = np.random.default_rng(seed), np.zeros((number, side, side, 3))
    for cells, contrast in ((3, 50), (6, 20), (14, 10)):
        coarse = generator.normal(scale=contrast, size=(number, cells, cells, 3))
        drawn += [cv2.resize(each, (side, side), interpolation=cv2.INTER_CUBIC) for each in coarse]
    return np.clip(drawn + 128, 0, 255).astype(np.uint8)


def compared(*splits: np.ndarray) -> NearDuplicates:
    return near_duplicates([arrays(images) for images in splits])


def arrays(images: np.ndarray) -> ImageArrays:
    number = len(images)
    return ImageArrays(images, np.zeros(number, np.int64), ("all",), np.arange(number).astype(str))


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(scale=6, size=image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def brighter(image: np.ndarray) -> np.ndarray:
    return np.clip(image * 0.7 + 30.0, 0, 255).astype(np.uint8)


def recompressed(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file))


def mirrored(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[:, ::-1])


def shifted(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((1, 0), (0, 1), (0, 0)), "edge")[:-1, 1:]


def enlarged_and_back(image: np.ndarray) -> np.ndarray:
    return cv2.resize(cv2.resize(image, (20, 20)), image.shape[1::-1])


CHANGES = [noisy, brighter, recompressed, mirrored, shifted, enlarged_and_back]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("side", [32, 96])
def test_a_changed_copy_is_found_and_nothing_else(change, side):
    train = pictures(side=side)
    found = compared(train, change(train[PLANTED])[None])
    assert found.pairs.tolist() == [[PLANTED, NUMBER]]
    assert found.mirrored.tolist() == [change is mirrored]
    assert found.reason == ""


def test_unrelated_pictures_are_not_found():
    assert len(compared(pictures(400)).pairs) == 0


def test_the_same_sky_behind_different_objects_is_not_found():
    sky = np.tile(np.linspace(60, 220, 32)[:, None, None], (1, 32, 3))
    one, other = sky.copy(), sky.copy()
    one[14:18, 8:24], other[10:22, 14:18] = 20, 20
    images = np.stack([one, other]).astype(np.uint8)
    assert len(compared(images).pairs) == 0
    assert compared(images, noisy(images[0])[None]).pairs.tolist() == [[0, 2]]


def test_exact_copies_are_left_out_but_not_their_near_duplicates():
    train = pictures()
    test = np.stack([train[3], noisy(train[3])])
    found = compared(train, test)
    assert sorted(found.pairs.tolist()) == [[3, NUMBER + 1], [NUMBER, NUMBER + 1]]


def test_images_of_one_colour_are_like_no_other():
    flat = np.stack([np.full((16, 16, 3), level, np.uint8) for level in (0, 1, 128, 255)])
    assert len(compared(flat, pictures(4, side=16)).pairs) == 0


def planted() -> np.ndarray:
    images = pictures()
    return np.concatenate([images, np.stack([change(images[5 * n]) for n, change in
                                             enumerate(CHANGES)])])  # fmt: skip


def named(order: np.ndarray, found) -> dict[frozenset[int], tuple[float, bool]]:
    pairs = order[found.pairs]
    return {
        frozenset(pair): (round(alike, 3), bool(mirror))
        for pair, alike, mirror in zip(pairs.tolist(), found.alike, found.mirrored, strict=True)
    }


def test_the_order_and_the_splits_do_not_matter():
    images = planted()
    first = named(np.arange(len(images)), compared(images))
    assert len(first) == len(CHANGES)
    order = np.random.default_rng(2).permutation(len(images))
    again = images[order]
    assert named(order, compared(again[:20], again[20:21], again[21:])) == first
    assert named(order[::-1], compared(again[::-1])) == first


def test_pairs_are_sorted_and_the_same_each_time():
    first, again = compared(planted()), compared(planted())
    assert (np.diff(first.alike) <= 0).all()
    assert (first.pairs[:, 0] < first.pairs[:, 1]).all()
    for name in ("pairs", "alike", "mirrored"):
        assert np.array_equal(getattr(first, name), getattr(again, name))


def test_thumbnails_of_all_pairs_give_the_same_candidates(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr(module, "CANDIDATE", 0.5)
    images = planted()
    small = np.stack([cv2.resize(i, (8, 8), interpolation=cv2.INTER_AREA) for i in images])
    flat = small.reshape(len(small), -1).astype(np.float64)
    turned = small[:, :, ::-1].reshape(len(small), -1).astype(np.float64)
    both = np.corrcoef(np.concatenate([flat, turned]))[: len(flat)]
    best = np.maximum(both[:, : len(flat)], both[:, len(flat) :])
    expected = {(a, b) for a, b in zip(*np.nonzero(best > 0.5), strict=True) if a < b}
    found = np.concatenate(list(module._candidates(module._thumbnails([images]))))
    assert {(a, b) for a, b in np.sort(found, axis=1).tolist()} == expected
    assert len(found) == len(expected) > len(CHANGES)


def test_no_product_and_no_comparison_is_larger_than_a_block(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 16)
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", 2)
    sizes, lengths = [], []
    nonzero, original = np.nonzero, module._compared

    def observed(splits, pairs):
        lengths.append(len(pairs))
        return original(splits, pairs)

    def counted(condition):
        sizes.append(condition.size)
        return nonzero(condition)

    monkeypatch.setattr(module, "_compared", observed)
    monkeypatch.setattr(module.np, "nonzero", counted)
    assert len(compared(planted()).pairs) == len(CHANGES)
    assert 0 < max(sizes) <= 16 * 16
    assert sum(lengths) >= len(CHANGES)
    assert max(lengths) == 2


def test_too_many_images_or_candidates_are_not_compared(monkeypatch):
    monkeypatch.setattr(module, "MOST_CANDIDATES", 3)
    found = compared(planted())
    assert len(found.pairs) == len(found.alike) == len(found.mirrored) == 0
    assert found.reason.startswith("more than 3 pairs of images look alike at 8×8 pixels")
    monkeypatch.setattr(module, "MOST_IMAGES", 50)
    assert compared(planted()).reason == ("there are 66 images, and at most 50 are compared")


def test_without_two_images_none_are_compared():
    empty = np.zeros((0, 16, 16, 3), np.uint8)
    for one in (compared(empty, empty), compared(empty, pictures(1, side=16))):
        assert (len(one.pairs), one.reason) == (0, "there are fewer than two images")
    assert compared(empty, pictures(2, side=16)).reason == ""


def test_images_that_were_tiny_are_not_compared():
    assert compared(pictures(4, side=15)).reason.startswith("most of the images are less than 16")
    sizes = np.full((4, 2), (8, 40), np.int32)
    enlarged = replace(arrays(pictures(4)), file_sizes=sizes)
    assert near_duplicates([enlarged]).reason == compared(pictures(4, side=15)).reason


def test_blocks_of_images_that_are_all_alike_take_little_memory():
    one = pictures(1)[0].astype(int)
    noise = np.random.default_rng(2).integers(-3, 4, size=(1000, *one.shape))
    images = np.clip(one + noise, 0, 255).astype(np.uint8)
    tracemalloc.start()
    found = compared(images)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "look alike" in found.reason
    assert most < 100e6
