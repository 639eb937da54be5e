"""An upload is an image, or one clear message."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cifar_lab.data.given import pixels_of
from cifar_lab.deploy.app import upload
from cifar_lab.deploy.app.upload import uploaded
from cifar_lab.refusal import Refusal
from tests.deploy.app.networks import encoded, noise, png, sent

#: Height and width that the network sees.
SHAPE = (8, 12)


def message(data: object) -> str:
    with pytest.raises(Refusal) as caught:
        uploaded(data, SHAPE)
    (problem,) = caught.value.problems
    return problem


def test_pixels_are_those_of_every_other_way_in():
    picture = Image.fromarray(noise(0, 50, 40))
    for kind in ("png", "jpeg", "webp", "bmp"):
        content = encoded(picture, kind)
        found = uploaded(sent(content), SHAPE)
        with Image.open(io.BytesIO(content)) as opened:
            np.testing.assert_array_equal(found.pixels, pixels_of(opened, SHAPE)[0])
        assert found.notes == ("The image was resized from 40×50 to 12×8 pixels.",)
        assert found.label is None


def test_an_image_of_the_right_size_stays_as_it_is():
    pixels = noise(1, *SHAPE)
    found = uploaded(sent(png(pixels)), SHAPE)
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("mode", "kind", "note"),
    [
        ("L", "png", "is grey"),
        ("1", "png", "is grey"),
        ("LA", "png", "is grey"),
        ("I;16", "png", "is grey"),
        ("CMYK", "jpeg", "from CMYK to RGB"),
    ],
)
def test_other_colours_are_converted_and_noted(mode, kind, note):
    grey = Image.fromarray(noise(2, *SHAPE)[..., 0])
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        picture = grey.convert(mode)
    found = uploaded(sent(encoded(picture, kind)), SHAPE)
    assert found.pixels.shape == (*SHAPE, 3)
    assert note in " ".join(found.notes)


def test_a_file_that_is_not_an_image():
    assert message(sent(b"hello")) == (
        "This file could not be read: not an image in a known format."
    )
    assert "the file is empty" in message(sent(b""))


def test_a_truncated_image():
    assert "truncated" in message(sent(png(noise(3, 40, 40))[:-60]))


def test_a_small_file_with_200_million_pixels_is_not_decoded(monkeypatch):
    content = encoded(Image.new("1", (20_000, 10_000)), "png")
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was decoded"))
    assert "more pixels than 100,000,000" in message(sent(content))


def test_an_animation():
    frames = [Image.fromarray(noise(n, *SHAPE)) for n in range(3)]
    content = encoded(frames[0], "gif", save_all=True, append_images=frames[1:])
    assert "This file is animated or has several pages" in message(sent(content))


def test_no_other_program_decodes_an_upload(monkeypatch):
    """Pillow hands EPS to Ghostscript."""
    content = encoded(Image.fromarray(noise(4, *SHAPE)), "eps")
    assert "not an image in a known format" in message(sent(content))


def test_a_file_that_is_too_large(monkeypatch):
    too_large = "This file has 25.0 MB, and at most 20.0 MB are allowed."
    assert message(25_000_000) == too_large  # the browser does not even send it
    monkeypatch.setattr(upload, "MOST_BYTES", 100)
    assert "This file has 1.0 kB" in message(sent(bytes(1000)))


@pytest.mark.parametrize("data", [None, 5, [], {}, "", "hello", "data:,x", "data:;base64,*", True])
def test_what_no_browser_sends(data):
    assert message(data)
