"""Moments of the noise, against their closed formulas."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.data.corruptions.noise import gaussian_noise, impulse_noise, shot_noise

GREY = np.full((8, 32, 32, 3), 0.4, np.float32)
VALUES = GREY.size


def streams() -> list[np.random.Generator]:
    return [np.random.default_rng(row) for row in range(len(GREY))]


@pytest.mark.parametrize("sigma", [0.04, 0.15])
def test_gaussian_noise_has_its_deviation(sigma):
    noise = gaussian_noise(GREY, sigma, streams()) - GREY
    assert abs(noise.mean()) < 4 * sigma / VALUES**0.5
    assert noise.std() == pytest.approx(sigma, rel=4 / (2 * VALUES) ** 0.5)
    assert (noise**4).mean() / noise.var() ** 2 == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize("photons", [35.0, 400.0])
def test_shot_noise_has_the_variance_of_counts(photons):
    found = shot_noise(GREY, photons, streams())
    expected = 0.4 / photons  # Poisson: the variance of the count is its mean
    assert abs(found.mean() - 0.4) < 4 * (expected / VALUES) ** 0.5
    assert found.var() == pytest.approx(expected, rel=0.05)
    np.testing.assert_allclose(found * photons, np.rint(found * photons), atol=1e-3)


def test_impulse_noise_replaces_its_share_by_black_and_white():
    found = impulse_noise(GREY, 0.1, streams())
    for value in (0, 1):
        assert (found == value).mean() == pytest.approx(0.05, abs=0.005)
    assert (found == GREY).mean() == pytest.approx(0.9, abs=0.01)
