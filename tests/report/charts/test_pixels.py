"""Pictures inside the page are exact if they are small."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from cifar_lab.report.charts.pixels import uri_of


@pytest.mark.parametrize(
    ("height", "width", "kind", "size"),
    [(32, 64, "png", (64, 32)), (32, 65, "jpeg", (65, 32)), (300, 600, "jpeg", (128, 64))],
)
def test_small_ones_are_exact_and_large_ones_reduced(height, width, kind, size):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    head, _, data = uri_of(pixels).partition(",")
    assert head == f"data:image/{kind};base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == size
        if kind == "png":
            np.testing.assert_array_equal(np.asarray(image), pixels)
