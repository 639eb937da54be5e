"""The whitening layer: outputs are uncorrelated on the images it was computed from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cifar_lab.models.whitening import EPSILON, WhitenedConv


@pytest.mark.parametrize("side", [2, 3])
def test_outputs_have_unit_variance_and_no_correlation(side):
    conv = WhitenedConv(side)
    conv.initialise(images())
    half = 3 * side**2
    outputs = conv(images()).detach()
    assert outputs.shape == (64, 2 * half, 13 - side, 17 - side)
    rows = outputs[:, :half].permute(0, 2, 3, 1).reshape(-1, half).double().numpy()
    second_moments = rows.T @ rows / len(rows)
    # λ / (λ + ε), because ε is added to the eigenvalues λ.
    assert np.abs(second_moments - np.diag(np.diag(second_moments))).max() < 1e-3
    assert (np.diag(second_moments) <= 1 + 1e-6).all()
    assert np.diag(second_moments)[0] > 0.99


def test_the_second_half_is_the_negative_of_the_first():
    conv = WhitenedConv(2)
    conv.initialise(images())
    assert torch.equal(conv.weight[:12], -conv.weight[12:])


def test_directions_are_the_eigenvectors_that_numpy_finds_largest_first():
    conv = WhitenedConv(2)
    conv.initialise(images())
    windows = np.lib.stride_tricks.sliding_window_view(images().numpy(), (2, 2), (2, 3))
    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 12).astype(np.float64)
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    for kernel, value, vector in zip(
        conv.weight[:12].flatten(1).double().numpy(), values[::-1], vectors.T[::-1], strict=True
    ):
        expected = vector / np.sqrt(value + EPSILON)
        assert abs(kernel @ expected) == pytest.approx(expected @ expected, rel=1e-4)


def test_its_bias_alone_is_trained_from_zero():
    conv = WhitenedConv(2)
    assert [name for name, p in conv.named_parameters() if p.requires_grad] == ["bias"]
    assert not conv.bias.any()


def images() -> torch.Tensor:
    """Correlated neighbours and channels, as in natural images."""
    noise = torch.randn(64, 3, 12, 16, generator=torch.Generator().manual_seed(0))
    return noise + noise.roll(1, 2) + noise.roll(1, 3) + 0.5 * noise.mean(1, keepdim=True)
