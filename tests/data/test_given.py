"""Images that are handed over become what a data set's own images are."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_lab.data.given import pixels_of
from cifar_lab.data.rgb import read_image
from cifar_lab.refusal import Refusal

RANDOM = np.random.default_rng(0).integers(0, 256, (5, 12, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (RANDOM[0], (1, 12, 9, 3)),
        (RANDOM, (5, 12, 9, 3)),
        (RANDOM[..., 0], (5, 12, 9, 3)),
        (RANDOM[0, ..., 0], (1, 12, 9, 3)),
        (RANDOM[..., :1], (5, 12, 9, 3)),
        ([RANDOM, RANDOM[0], [RANDOM[1]]], (7, 12, 9, 3)),
        (iter([RANDOM[0], Image.fromarray(RANDOM[1])]), (2, 12, 9, 3)),
        (torch.from_numpy(RANDOM), (5, 12, 9, 3)),
    ],
)
def test_single_images_and_many_are_rows_in_order(images, shape):
    found = pixels_of(images, (12, 9))
    assert (found.shape, found.dtype) == (shape, np.uint8)


def test_pixels_of_the_right_size_stay_as_they_are():
    np.testing.assert_array_equal(pixels_of(RANDOM, (12, 9)), RANDOM)
    grey = pixels_of(RANDOM[..., 0], (12, 9))
    np.testing.assert_array_equal(grey, np.repeat(RANDOM[..., :1], 3, axis=3))


def test_other_sizes_are_resized_as_a_folder_of_images_is():
    found = pixels_of(RANDOM, (6, 4))
    for row, image in zip(found, RANDOM, strict=True):
        expected = Image.fromarray(image).resize((4, 6), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(row, np.asarray(expected))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "CMYK", "I;16"])
def test_any_mode_is_read_as_from_a_file(mode, tmp_path):
    if mode == "I;16":
        image = Image.fromarray(RANDOM[0, ..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(RANDOM[0]).convert(mode)
    path = tmp_path / ("image.tiff" if mode == "CMYK" else "image.png")
    image.save(path)
    from_file = np.asarray(read_image(path))
    np.testing.assert_array_equal(pixels_of(path, (12, 9))[0], from_file)
    np.testing.assert_array_equal(pixels_of(image, (12, 9))[0], from_file)


def test_an_image_is_turned_upright(tmp_path):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    left = np.zeros((16, 32, 3), np.uint8)
    left[:, :16] = 255
    Image.fromarray(left).save(path, exif=exif, quality=100)
    found = pixels_of(path, (32, 16))[0]
    assert found[:12].mean() > 250
    assert found[20:].mean() < 5


def test_every_image_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty.png").touch()
    images = [
        tmp_path / "nowhere.png",
        tmp_path / "text.png",
        tmp_path / "empty.png",
        tmp_path,
        RANDOM[0],
        RANDOM[0] / 255,
        RANDOM.transpose(0, 3, 1, 2)[0],
        7,
        Image.fromarray(np.zeros((2, 2), np.float32)),
    ]
    with pytest.raises(Refusal) as refused:
        pixels_of(images, (12, 9))
    assert [p.removeprefix(f"{tmp_path}") for p in refused.value.problems] == [
        "/nowhere.png: does not exist",
        "/text.png: could not be read: not an image in a known format",
        "/empty.png: could not be read: the file is empty",
        ": is not a file; name image files",
        "images[5]: pixels must be uint8 from 0 to 255, got float64",
        "images[6]: pixels must be (height, width) or (height, width, 3), got (3, 12, 9); put the "
        "channels last, also of several grey images: (n, height, width, 1)",
        "images[7]: int is not an image; give paths, PIL images, or uint8 arrays (height, width), "
        "(height, width, 3) or (n, height, width, 3)",
        "images[8]: grey levels without a known range",
    ]


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ([], "images: there are none"),
        (np.zeros((0, 8, 8, 3), np.uint8), "images: there are none"),
        (np.zeros((2, 3, 8, 8), np.uint8), "put the channels last"),
        (np.zeros((8,), np.uint8), r"got \(8,\)"),
        (np.zeros((0, 8, 3), np.uint8), r"got \(0, 8, 3\)"),
        (None, "NoneType is not an image"),
        (io.BytesIO(b""), "images: BytesIO is not an image"),
    ],
)
def test_what_is_no_image_is_refused(images, said):
    with pytest.raises(Refusal, match=said):
        pixels_of(images, (8, 8))
