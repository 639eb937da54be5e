"""Explanations are scaled maps, and a figure of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import cifar_lab


def test_maps_are_scaled_to_their_largest_magnitude(run, test_images):
    found = run.explain(test_images[:3], method="hirescam")
    assert (found.maps.shape[0], found.maps.dtype) == (3, np.float32)
    assert np.abs(found.maps).max(axis=(1, 2)).tolist() == [1, 1, 1]
    largest = np.abs(found.found.maps).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found.maps * largest, found.found.maps, rtol=1e-5)
    assert list(found.labels) == run.predict(test_images[:3]).labels
    np.testing.assert_array_equal(found.pixels, test_images[:3])


def test_a_map_of_zeros_stays_so(run):
    """The mean image is the baseline of integrated gradients."""
    mean = np.asarray(run.recorded.data.mean) * 255
    image = np.broadcast_to(np.round(mean), (32, 32, 3)).astype(np.uint8)
    found = run.explain(image, method="integrated_gradients")
    assert repr(found) == "Explanation(1 map by integrated_gradients)"
    assert found.maps.shape == (1, 32, 32)
    assert np.isfinite(found.maps).all()


def test_the_figure_is_a_picture_of_a_dozen_images_at_most(run, test_images, tmp_path):
    found = run.explain(test_images[:14])
    few, many = found.figure(first=12), found.figure()
    with Image.open(io.BytesIO(many.png)) as large, Image.open(io.BytesIO(few.png)) as small:
        assert large.format == "PNG"
        assert large.height > 4 * small.height
    assert found._repr_png_() == many.png == many._repr_png_()
    few.save(tmp_path / "few.png")
    assert (tmp_path / "few.png").read_bytes() == few.png
    with pytest.raises(cifar_lab.Refusal, match=r"figure\(14\): must be from 0 to 13"):
        found.figure(14)


def test_what_is_unknown_is_refused_by_name(run, test_images):
    with pytest.raises(cifar_lab.Refusal, match="method=magic: must be one of gradcam"):
        run.explain(test_images[0], method="magic")
