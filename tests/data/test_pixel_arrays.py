"""Arrays of pixels in every form, and those that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cifar_lab.data.pixel_arrays import pixels, resized

COLOUR = np.random.default_rng(0).integers(0, 256, (5, 8, 6, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR),
        (GREY, np.stack([GREY] * 3, axis=-1)),
        (GREY[..., None], np.stack([GREY] * 3, axis=-1)),
        (GREY[:, None], np.stack([GREY] * 3, axis=-1)),
        (list(COLOUR), COLOUR),
        ([Image.fromarray(image) for image in COLOUR], COLOUR),
    ],
    ids=["last", "first", "grey", "one channel last", "one channel first", "list", "pillow"],
)
def test_every_form_becomes_rgb_with_the_channels_last(given, expected):
    found, problems = pixels(given, "x", "auto", "")
    assert problems == []
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous


def test_the_place_of_the_channels_is_told_where_it_cannot_be_recognised():
    either = COLOUR[:, :3]  # (5, 3, 6, 3)
    found, [problem] = pixels(either, "x", "auto", "; tell")
    assert found is None
    assert problem == "x has shape (5, 3, 6, 3): its channels may be second or last; tell"
    np.testing.assert_array_equal(pixels(either, "x", "last", "")[0], either)
    np.testing.assert_array_equal(pixels(either, "x", "first", "")[0], either.transpose(0, 2, 3, 1))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (COLOUR / 255, "convert it with (255 * x).round().astype('uint8')"),
        (COLOUR.astype(np.float32), "convert it with x.round().astype('uint8')"),
        (COLOUR.astype(np.int64), "convert it with x.astype('uint8')"),
        (COLOUR.astype(np.float32) - 100, "as they were before they were normalised"),
        (GREY.astype(np.uint16) * 257, "convert it with (x // 257).astype('uint8')"),
        (COLOUR.astype(np.int32) * 9, "scale all splits by the same factor"),
        (GREY > 100, "convert it with 255 * x.astype('uint8')"),
        (np.array(["a"]), "x is <U1, and must be uint8 from 0 to 255"),
        (COLOUR[0, 0], "x has shape (6, 3), and must be (n, height, width, 3), or"),
        (np.zeros((2, 8, 8, 4), np.uint8), "x has shape (2, 8, 8, 4), and must be"),
        (COLOUR[:0], "without any pixel"),
        ([COLOUR[0], COLOUR[0, :4]], "x cannot be made a numpy array"),
    ],
)
def test_what_is_not_pixels_is_refused_with_how_to_convert_it(given, message):
    found, problems = pixels(given, "x", "auto", "")
    assert found is None
    assert message in problems[0]


def test_the_conversions_that_are_told_give_what_is_accepted():
    for x in (COLOUR / 255, COLOUR.astype(float), COLOUR.astype(np.uint16) * 257):
        _, [problem] = pixels(x, "x", "auto", "")
        converted = eval(problem.partition("convert it with ")[2], {"x": x})
        np.testing.assert_array_equal(pixels(converted, "x", "auto", "")[0], COLOUR)


def test_resizing_is_pillows_and_tells_the_size_before():
    found, sizes = resized(COLOUR, 12)
    expected = Image.fromarray(COLOUR[2]).resize((12, 12), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(found[2], np.asarray(expected))
    np.testing.assert_array_equal(sizes, [[8, 6]] * 5)
    same, none = resized(COLOUR, None)
    assert same is COLOUR
    assert none is None
