"""What a bundle shows is read from its own files, of the network's size only."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.deploy.contents import contents_of
from cifar_lab.deploy.description import Shown
from cifar_lab.refusal import Refusal
from tests.deploy.bundles import a_bundle

CARD = b"---\nlicense: mit\n---\n\n# Insects\n\nA small network.\n"
ANT = Shown("examples/0.png", "a/1.png", 0, 1)


def encoded(image: Image.Image, kind: str) -> bytes:
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


def png(side: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return encoded(Image.fromarray(pixels), "png")


def test_images_and_card_are_those_of_its_files(tmp_path):
    files = {ANT.file: png(32), "README.md": CARD}
    found = contents_of(read_bundle(a_bundle(tmp_path, files, examples=(ANT,))))
    expected = np.asarray(Image.open(io.BytesIO(files[ANT.file])))
    np.testing.assert_array_equal(found.pixels(ANT), expected)
    assert found.card == "# Insects\n\nA small network.\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (png(31), "it has 31×31 pixels, not 32×32"),
        (b"GIF", "not a PNG image"),
        # Pillow hands it to Ghostscript.
        (encoded(Image.new("RGB", (32, 32)), "eps"), "not a PNG image"),
        (png(32)[:-40], "image file is truncated"),
    ],
)
def test_other_images_are_refused(tmp_path, content, said):
    files = {ANT.file: content, "README.md": CARD}
    bundle = read_bundle(a_bundle(tmp_path, files, examples=(ANT,)))
    with pytest.raises(Refusal, match=rf"examples/0\.png could not be read: {said}"):
        contents_of(bundle)


def test_a_small_file_with_many_pixels_is_not_decoded(tmp_path, monkeypatch):
    huge = encoded(Image.new("1", (9000, 9000)), "png")
    bundle = read_bundle(a_bundle(tmp_path, {ANT.file: huge, "README.md": CARD}, examples=(ANT,)))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it is decoded"))
    with pytest.raises(Refusal, match="it has 9000×9000 pixels, not 32×32"):
        contents_of(bundle)
