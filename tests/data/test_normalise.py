"""Normalisation: (pixels / 255 - mean) / std per channel, in the requested dtype and layout."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cifar_lab.data.normalise import Normalise

MEAN, STD = np.array([0.2, 0.5, 0.7]), np.array([0.1, 0.25, 0.4])
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 6, 8, 3), dtype=np.uint8)
EXPECTED = ((IMAGES / 255 - MEAN) / STD).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("channels_last", [False, True])
def test_batches_are_normalised_by_channel_and_lie_as_asked(channels_last):
    batch = normalised(channels_last, torch.float32)
    assert batch.dtype == torch.float32
    assert batch.shape == (5, 3, 6, 8)
    np.testing.assert_allclose(batch.numpy(), EXPECTED, rtol=1e-5, atol=1e-5)
    # Strides of image, channel, row and column.
    assert batch.stride() == ((144, 1, 24, 3) if channels_last else (144, 48, 8, 1))


def test_bfloat16_is_float32_rounded_once():
    found = normalised(True, torch.bfloat16)
    assert torch.equal(found, normalised(True, torch.float32).bfloat16())


def test_the_pixels_stay_as_they_are():
    before = IMAGES.copy()
    normalised(True, torch.float32)
    np.testing.assert_array_equal(IMAGES, before)


def normalised(channels_last: bool, dtype: torch.dtype) -> torch.Tensor:
    normalise = Normalise(MEAN, STD, torch.device("cpu"), channels_last, dtype)
    return normalise(torch.from_numpy(IMAGES))
