"""Deletion, insertion and randomisation on models with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cifar_lab.explain.trust import STEPS, baselines, randomisation, rank_correlation, scores


class Corner(nn.Module):
    """Predicts class 1 with certainty as long as it sees the top-left quarter."""

    def forward(self, images: Tensor) -> Tensor:
        seen = images[:, 0, : images.shape[2] // 2, : images.shape[3] // 2].mean((1, 2))
        return torch.stack([torch.zeros_like(seen), 100 * (seen - 0.5)], 1)


IMAGES, CLASSES = torch.ones(3, 3, 8, 8), torch.ones(3, dtype=torch.int64)


def test_an_order_that_begins_with_what_matters_deletes_at_once():
    # Sixteen cells; the four of the quarter come first. After 1/8, two of four are covered: 0.5.
    # After a quarter, all four are: 0. The trapezoidal rule gives (1/2 + 1/2) / 8 for deletion;
    # insertion mirrors it: 0 at 0, 1/2 at 1/8, then 1.
    importance = np.zeros((3, 4, 4), np.float32)
    importance[:, :2, :2] = 1
    found = scores(Corner(), IMAGES, CLASSES, {"cells": importance})["cells"]
    assert found.deletion == pytest.approx(1 / STEPS, abs=1e-6)
    assert found.insertion == pytest.approx(1 - 1 / STEPS, abs=1e-6)
    assert found.deletion_error == found.insertion_error == 0


def test_the_opposite_order_is_the_opposite():
    importance = np.ones((3, 4, 4), np.float32)
    importance[:, :2, :2] = 0
    found = scores(Corner(), IMAGES, CLASSES, {"cells": importance})["cells"]
    assert found.deletion == pytest.approx(1 - 1 / STEPS, abs=1e-6)
    assert found.insertion == pytest.approx(1 / STEPS, abs=1e-6)


def test_the_ends_of_all_curves_are_computed_once():
    seen = []
    model = Corner()
    model.register_forward_hook(lambda *_: seen.append(1))
    orders = baselines(IMAGES, (4, 4))
    assert list(scores(model, IMAGES, CLASSES, orders)) == list(orders)
    assert len(seen) == 2 + len(orders) * 2 * (STEPS - 1)


def test_baselines_know_the_middle_and_the_edges():
    images = torch.zeros(2, 3, 8, 8)
    images[:, :, :, 4:] = 1  # one edge, down the middle
    found = baselines(images, (4, 4))
    assert list(found) == ["random", "centre", "edges"]
    assert all(maps.shape == (2, 4, 4) and maps.dtype == np.float32 for maps in found.values())
    assert (
        found["centre"][0, 1:3, 1:3].min()
        > np.delete(found["centre"][0].ravel(), [5, 6, 9, 10]).max()
    )
    assert (found["edges"][0, :, 1:3] > 0).all()
    assert not found["edges"][0, :, [0, 3]].any()
    assert not np.array_equal(found["random"][0], found["random"][1])


def test_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    generator = np.random.default_rng(0)
    maps, others = generator.normal(size=(2, 5, 4, 4)).astype(np.float32)
    expected = np.mean(
        [spearmanr(a.ravel(), b.ravel())[0] for a, b in zip(maps, others, strict=True)]
    )
    assert rank_correlation(maps, others) == pytest.approx(expected)
    assert rank_correlation(maps, 3 * maps + 1) == pytest.approx(1)
    assert rank_correlation(maps, -maps) == pytest.approx(-1)


def test_maps_that_ignore_the_weights_are_found_out_and_the_model_is_left():
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    before = model[1].weight.detach().clone()
    maps = np.random.default_rng(0).normal(size=(20, 4, 4)).astype(np.float32)
    assert randomisation(model, maps, lambda other: maps) == pytest.approx(1)

    def of_weights(other: nn.Module) -> np.ndarray:
        return other[1].weight.detach()[0].view(3, 4, 4).numpy()[:1].repeat(20, 0)

    assert abs(randomisation(model, of_weights(model), of_weights)) < 0.6
    assert torch.equal(model[1].weight, before)
