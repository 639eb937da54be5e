"""Resized images are those of other implementations, and batches keep everything else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from cifar_lab.data.loaders import Batch
from cifar_lab.data.mixing import MixedBatch
from cifar_lab.data.resizing import resized, resized_batch


def images(height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.randn(3, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("side", [8, 20, 24, 31])
def test_images_are_those_of_torchs_interpolation_in_double_precision(side):
    given = images()
    options = {"mode": "bilinear", "antialias": True}
    expected = F.interpolate(given.double(), size=(side, side), **options)
    torch.testing.assert_close(resized(given, side).double(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("side", [8, 24])
def test_images_are_pillows(side):
    given = images()
    planes = [Image.fromarray(plane.numpy(), mode="F") for plane in given.flatten(0, 1)]
    expected = [np.asarray(p.resize((side, side), Image.Resampling.BILINEAR)) for p in planes]
    found = resized(given, side).flatten(0, 1).numpy()
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-5)


def test_the_shorter_side_is_the_one_that_is_given():
    assert resized(images(32, 48), 16).shape == (3, 3, 16, 24)
    assert resized(images(48, 32), 24).shape == (3, 3, 36, 24)


def test_type_and_memory_format_stay():
    given = images().to(torch.bfloat16, memory_format=torch.channels_last)
    found = resized(given, 24)
    assert found.dtype == torch.bfloat16
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(found, resized(given.float(), 24).bfloat16())


def test_images_of_this_size_are_not_touched():
    given = images()
    assert resized(given, 32) is given


def test_everything_else_of_a_batch_stays():
    labels, partners, weight = torch.tensor([0, 1, 2]), torch.tensor([2, 0, 1]), torch.tensor(0.7)
    for batch in (Batch(images(), labels), MixedBatch(images(), labels, partners, weight)):
        found = resized_batch(batch, 24)
        assert type(found) is type(batch)
        assert torch.equal(found.images, resized(batch.images, 24))
        assert all(a is b for a, b in zip(found[1:], batch[1:], strict=True))
        assert resized_batch(batch, None) is batch
