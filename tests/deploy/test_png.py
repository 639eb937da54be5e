"""Images survive as PNG files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cifar_lab.deploy.png import png


@pytest.mark.parametrize("effort", [1, 6])
def test_pixels_are_kept_in_any_layout(effort):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 5), np.uint8).transpose(1, 2, 0)
    shown = Image.open(io.BytesIO(png(pixels, effort)))
    assert (shown.format, shown.mode) == ("PNG", "RGB")
    np.testing.assert_array_equal(np.asarray(shown), pixels)
