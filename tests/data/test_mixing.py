"""Mixing compared with torchvision's, and with the distributions given in the papers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import v2

from cifar_lab.data.mixing import CutMix, MixedBatch, Mixing, Mixup, no_mixing

#: A p-value below this is not chance; seeds are fixed, so the tests are not flaky.
CHANCE = 1e-4
DRAWS = 3000


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_weights_of_mixup_are_beta_distributed(alpha):
    weights = [own_share(Mixup(alpha, 1.0), number) for number in range(DRAWS)]
    expected = stats.beta(alpha, alpha)
    assert stats.kstest(weights, expected.cdf).pvalue > CHANCE
    standard_error = expected.std() / DRAWS**0.5
    assert np.mean(weights) == pytest.approx(0.5, abs=4 * standard_error)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_weights_of_cutmix_are_distributed_as_torchvisions(alpha):
    ours = [own_share(CutMix(alpha, 1.0), number, (32, 24)) for number in range(DRAWS)]
    torch.manual_seed(0)
    theirs = v2.CutMix(alpha=alpha, num_classes=2)
    drawn = [theirs.make_params([torch.zeros(2, 3, 32, 24)])["lam_adjusted"] for _ in range(DRAWS)]
    assert stats.ks_2samp(ours, drawn).pvalue > CHANCE


@pytest.mark.parametrize("mixing", [Mixup(1.0, 1.0), CutMix(1.0, 1.0)])
def test_the_label_of_the_larger_part_comes_first(mixing):
    swapped = 0
    for number in range(200):
        stream = np.random.default_rng(number)
        batch = mixing(torch.zeros(5, 3, 32, 32), torch.arange(5), stream)
        assert 0.5 <= batch.weight <= 1
        one, other = torch.arange(5), torch.arange(5).roll(1)
        swap = not torch.equal(batch.labels, one)
        assert torch.equal(batch.labels, other if swap else one)
        assert torch.equal(batch.partners, one if swap else other)
        swapped += swap
    assert 10 < swapped < 120  # a box rarely covers more than half of an image


def test_mixup_gives_weighted_sums_of_image_and_partner():
    for number in range(20):
        batch = mixed(Mixup(1.0, 1.0), number)
        given = images()
        share = torch.tensor(own_share(Mixup(1.0, 1.0), number, given.shape[2:]))
        expected = share * given + (1 - share) * given[[4, 0, 1, 2, 3]]
        torch.testing.assert_close(batch.images, expected)
        theirs = v2.MixUp(num_classes=5).transform(
            given, {"lam": share.item(), "labels": torch.arange(5), "batch_size": 5}
        )
        torch.testing.assert_close(batch.images, theirs)


@pytest.mark.parametrize("size", [(8, 8), (9, 6)])
def test_cutmix_pastes_a_box_whose_area_is_the_weight(size):
    pasted_shares = set()
    for number in range(100):
        given = torch.arange(4.0)[:, None, None, None].expand(4, 3, *size).clone()
        batch = CutMix(1.0, 1.0)(given, torch.arange(4), np.random.default_rng(number))
        pasted = batch.images[1] == 0
        rows, columns = pasted[0].any(1), pasted[0].any(0)
        box = rows[:, None] & columns
        assert torch.equal(pasted, box.expand(3, *size))
        assert len(torch.unique_consecutive(rows)) <= 3  # contiguous
        assert len(torch.unique_consecutive(columns)) <= 3
        for image, partner in ((0, 3), (2, 1), (3, 2)):
            assert torch.equal(batch.images[image, 0], torch.where(box, partner, image).float())
        share = float(box.float().mean())
        own = batch.weight if torch.equal(batch.labels, torch.arange(4)) else 1 - batch.weight
        assert float(own) == pytest.approx(1 - share, abs=1e-6)
        pasted_shares.add(share)
    assert len(pasted_shares) > 3


def test_a_box_of_cutmix_is_torchvisions_for_the_same_draws():
    for number in range(100):
        batch = mixed(CutMix(1.0, 1.0), number)
        stream = np.random.default_rng(number)
        stream.random()
        weight, (height, width) = stream.beta(1.0, 1.0), images().shape[2:]
        x, y = int(stream.integers(width)), int(stream.integers(height))
        half = 0.5 * (1 - weight) ** 0.5
        box = (
            max(x - int(half * width), 0), max(y - int(half * height), 0),
            min(x + int(half * width), width), min(y + int(half * height), height),
        )  # fmt: skip
        expected = v2.CutMix(num_classes=5).transform(
            images(), {"box": box, "labels": torch.arange(5), "batch_size": 5}
        )
        assert torch.equal(batch.images, expected)


@pytest.mark.parametrize("kind", [Mixup, CutMix])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_so_many_batches_are_mixed_and_the_others_stay(kind, p):
    untouched = 0
    for number in range(300):
        batch = mixed(kind(1.0, p), number)
        if torch.equal(batch.partners, batch.labels):
            untouched += 1
            assert torch.equal(batch.images, images())
            assert batch.weight == 1
    assert stats.binomtest(300 - untouched, 300, p).pvalue > CHANCE


@pytest.mark.parametrize("kind", [Mixup, CutMix])
def test_an_image_alone_stays_as_it_is(kind):
    for number in range(10):
        batch = kind(1.0, 1.0)(images()[:1], torch.tensor([3]), np.random.default_rng(number))
        assert torch.equal(batch.images, images()[:1])
        assert batch.labels.tolist() == batch.partners.tolist() == [3]


@pytest.mark.parametrize("kind", [Mixup, CutMix])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layout_and_dtype_are_those_that_came(kind, dtype):
    given = images().to(dtype, memory_format=torch.channels_last)
    batch = kind(1.0, 1.0)(given, torch.arange(5), np.random.default_rng(1))
    assert batch.images.dtype == dtype
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert (batch.weight.dtype, batch.weight.shape) == (torch.float32, ())
    expected = mixed(kind(1.0, 1.0), 1).images
    torch.testing.assert_close(batch.images.float(), expected, rtol=0.02, atol=0.02)


def test_no_mixing_is_none():
    assert no_mixing() is None


def images() -> torch.Tensor:
    return torch.randn(5, 3, 8, 6, generator=torch.Generator().manual_seed(0))


def mixed(mixing: Mixing, number: int) -> MixedBatch:
    return mixing(images(), torch.arange(5), np.random.default_rng(number))


def own_share(mixing: Mixing, number: int, size: tuple[int, int] = (8, 6)) -> float:
    """The weight in the paper: the share kept of an image, whether or not it is the larger part."""
    labels = torch.arange(2)
    batch = mixing(torch.zeros(2, 3, *size), labels, np.random.default_rng(number))
    weight = batch.weight.item()
    return weight if torch.equal(batch.labels, labels) else 1 - weight
