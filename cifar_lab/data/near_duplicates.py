"""Near-duplicates: images that show the same picture, but not with the same pixels.

Two steps find them. Small thumbnails of all pairs are correlated, each also with its mirror image,
which leaves few candidates. Their fine detail is then correlated at up to 32×32 pixels, as it is
only alike where the picture is: the sky behind two aeroplanes correlates, their outlines do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import ImageArrays

#: Sides in pixels of the thumbnails, and of the images whose detail is compared, at most.
THUMBNAIL, SIDE = 8, 32
#: Correlation of thumbnails above which two images are candidates.
CANDIDATE = 0.93
#: Correlation of detail from which two images are near-duplicates. Of CIFAR-10's test images, 259
#: then have one in training. Seen by eye, about four of these pairs show two different pictures;
#: ciFAIR's authors, by eye alone, found 325 images with a copy of any kind (arXiv:1902.00423).
ALIKE = 0.75
#: Standard deviation in pixels of the blur that is taken away to leave the detail.
BLUR = 3.0
#: Images whose thumbnails are multiplied at once: two products of 4 MB each.
BLOCK = 1024
#: Pairs whose thumbnails are compared at once, of a block in which all may be alike: 20 MB.
THUMBNAILS_AT_ONCE = 16_384
#: Candidates whose detail is compared at once: 50 MB.
PAIRS_AT_ONCE = 1024
#: Of more images, or of more candidates, none are looked for: it would take many minutes.
MOST_IMAGES, MOST_CANDIDATES = 150_000, 200_000
#: Of images that were smaller before they were resized, different ones can be this alike.
LEAST_SIDE = 16
#: Allows for the rounding of products, which depends on where in a block a pair stands.
ROUNDING = 1e-4

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of images that show the same picture, the most similar first.

    Attributes:
        pairs: int64 ``(n, 2)``, numbers of the images, the smaller first.
        alike: float64 ``(n,)``, correlation of their detail, to four digits.
        mirrored: bool ``(n,)``, whether one is similar to the other's mirror image.
        reason: why none were looked for; empty if they were.
    """

    pairs: NDArray[np.int64]
    alike: NDArray[np.float64]
    mirrored: NDArray[np.bool_]
    reason: str = ""


def near_duplicates(splits: Sequence[ImageArrays]) -> NearDuplicates:
    """Find the near-duplicates among all images; those with identical pixels are left out.

    Every pair is compared, so the result does not depend on the order of the images. 60,000 images
    of 32×32 pixels take about half a minute of one core and 200 MB.

    Args:
        splits: the images, all of one size, which are numbered through.
    """
    reason = _reason(splits)
    if reason:
        return _none(reason)
    images = [split.images for split in splits]
    parts, number = [np.zeros((0, 2), np.int64)], 0
    for found in _candidates(_thumbnails(images)):
        parts.append(found)
        number += len(found)
        if number > MOST_CANDIDATES:
            return _none(
                f"more than {MOST_CANDIDATES:,} pairs of images look alike at "
                f"{THUMBNAIL}×{THUMBNAIL} pixels, as handwritten digits do"
            )
    return _verified(images, np.sort(np.concatenate(parts), axis=1))


def _reason(splits: Sequence[ImageArrays]) -> str:
    """Why none are looked for; empty if they are."""
    number = sum(map(len, splits))
    if number < 2:
        return "there are fewer than two images"
    if number > MOST_IMAGES:
        return f"there are {number:,} images, and at most {MOST_IMAGES:,} are compared"
    sides = np.concatenate([split.original_sizes().min(axis=1) for split in splits])
    if np.median(sides) < LEAST_SIDE:
        return (
            f"most of the images are less than {LEAST_SIDE} pixels high or wide, which is too few "
            "to tell a near-duplicate from another picture"
        )
    return ""


def _none(reason: str) -> NearDuplicates:
    return NearDuplicates(np.zeros((0, 2), np.int64), np.zeros(0), np.zeros(0, np.bool_), reason)


def _thumbnails(splits: Sequence[NDArray[np.uint8]]) -> tuple[Floats, Floats]:
    """Even and odd halves of all thumbnails, float32 ``(n, THUMBNAIL² · 3 / 2)`` each.

    Of thumbnails with mean 0 and norm 1, the products of the halves add up to the correlation of
    two images, and their difference is that of one with the other's mirror image.
    """
    import cv2  # takes a while to import

    size, area = (THUMBNAIL, THUMBNAIL), cv2.INTER_AREA
    small = np.asarray(
        [cv2.resize(image, size, interpolation=area) for images in splits for image in images],
        np.float32,
    ).reshape(-1, THUMBNAIL, THUMBNAIL, 3)
    small -= small.mean(axis=(1, 2, 3), keepdims=True)
    norms = np.sqrt(np.square(small).sum(axis=(1, 2, 3), keepdims=True))
    small /= np.where(norms > 1e-3, norms, np.inf)  # an image of one colour is like no other
    left, right = np.split(small, 2, axis=2)
    right = right[:, :, ::-1]
    halves = [(left + right).reshape(len(small), -1), (left - right).reshape(len(small), -1)]
    even, odd = (half * np.float32(np.sqrt(0.5)) for half in halves)
    return even, odd


def _candidates(halves: tuple[Floats, Floats]) -> Iterator[NDArray[np.int64]]:
    """Pairs whose thumbnails correlate, int64 ``(n, 2)``, block by block.

    Along the axis on which the even halves vary most, two candidates are at most ``reach`` apart.
    In the order of this axis, later blocks are therefore skipped.
    """
    even, odd = halves
    axis = np.linalg.eigh(even.T @ even)[1][:, -1]
    places = even @ axis
    order = np.argsort(places, kind="stable")
    even, odd, places = even[order], odd[order], places[order]
    reach = np.sqrt(2 - 2 * (CANDIDATE - 2 * ROUNDING))
    for start in range(0, len(order), BLOCK):
        rows = slice(start, start + BLOCK)
        end = int(np.searchsorted(places, places[rows][-1] + reach, side="right"))
        for other in range(start, end, BLOCK):
            columns = slice(other, other + BLOCK)
            alike = even[rows] @ even[columns].T + np.abs(odd[rows] @ odd[columns].T)
            a, b = np.nonzero(alike > CANDIDATE - ROUNDING)
            pairs = np.stack([a + start, b + other], axis=1)
            pairs = pairs[pairs[:, 0] < pairs[:, 1]]
            yield order[pairs[_correlated(even, odd, pairs) > CANDIDATE]]


def _correlated(even: Floats, odd: Floats, pairs: NDArray[np.int64]) -> Floats:
    """The same correlation of each pair, float32 ``(n,)``, summed in one order wherever it is."""
    found = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), THUMBNAILS_AT_ONCE):
        part = slice(start, start + THUMBNAILS_AT_ONCE)
        a, b = pairs[part].T
        found[part] = (even[a] * even[b]).sum(axis=1) + np.abs((odd[a] * odd[b]).sum(axis=1))
    return found


def _verified(splits: Sequence[NDArray[np.uint8]], candidates: NDArray[np.int64]) -> NearDuplicates:
    """The candidates whose detail correlates, without those of identical pixels."""
    alike, mirrored = np.zeros(len(candidates)), np.zeros(len(candidates), np.bool_)
    for start in range(0, len(candidates), PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        alike[part], mirrored[part] = _compared(splits, candidates[part])
    kept = alike >= ALIKE
    pairs, alike, mirrored = candidates[kept], alike[kept], mirrored[kept]
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -alike))
    return NearDuplicates(pairs[order], alike[order], mirrored[order])


def _compared(
    splits: Sequence[NDArray[np.uint8]], pairs: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Correlation of detail of each pair, 0 if its pixels are identical; whether it is mirrored."""
    numbers, places = np.unique(pairs, return_inverse=True)
    images = [_image(splits, int(number)) for number in numbers]
    details = np.asarray([_detail(image) for image in images], np.float32)
    first, second = details[places.reshape(-1, 2).T]
    straight, turned = _best(first, second), _best(first, second[:, :, ::-1])
    same = [np.array_equal(images[a], images[b]) for a, b in places.reshape(-1, 2)]
    return np.where(same, 0, np.maximum(straight, turned).round(4)), turned > straight


def _image(splits: Sequence[NDArray[np.uint8]], number: int) -> NDArray[np.uint8]:
    for images in splits:
        if number < len(images):
            return np.asarray(images[number])
        number -= len(images)
    raise IndexError(number)


def _detail(image: NDArray[np.uint8]) -> Floats:
    """An image of at most ``SIDE`` pixels a side, without its large areas of colour and light."""
    import cv2

    height, width = (min(side, SIDE) for side in image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(small - cv2.GaussianBlur(small, (0, 0), BLUR), np.float32)


def _best(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Correlation of each pair at the best of nine shifts of up to a pixel, float64 ``(n,)``."""
    found = np.zeros(len(first))
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            a, b = _overlap(first, down, right), _overlap(second, -down, -right)
            product, squares = _dot(a, b), _dot(a, a) * _dot(b, b)
            found = np.maximum(found, product / np.sqrt(np.where(squares > 1e-3, squares, np.inf)))
    return found


def _overlap(images: Floats, down: int, right: int) -> Floats:
    height, width = images.shape[1:3]
    return images[
        :,
        max(down, 0) : height + min(down, 0),
        max(right, 0) : width + min(right, 0),
    ]


def _dot(a: Floats, b: Floats) -> NDArray[np.float64]:
    return np.einsum("nhwc,nhwc->n", a, b, optimize=False).astype(np.float64)
