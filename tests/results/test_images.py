"""Image by image, against SciPy and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from cifar_lab.results.images import by_image, flips
from tests.results.compared_runs import a_run, drawn

T, F = True, False


def test_flips_and_mcnemar(tmp_path):
    first = a_run(tmp_path / "a", [T, T, T, F, F, F, T, T])
    second = a_run(tmp_path / "b", [T, F, F, T, F, F, F, T])
    found = flips(first, second, "validation")
    assert found is not None
    counts = found.counts
    assert (counts.both_right, counts.only_first, counts.only_second, counts.both_wrong) == (
        2, 3, 1, 2,
    )  # fmt: skip
    assert counts.p_value == pytest.approx(binomtest(3, 4).pvalue)
    assert sorted(flip.row for flip in found.lost) == [1, 2, 6]
    (gained,) = found.gained
    assert (gained.sample_id, gained.label, gained.first, gained.second) == (
        "validation/3",
        0,
        1,
        0,
    )
    assert gained.probability == pytest.approx(np.exp(4) / (np.exp(4) + 2))


def test_a_split_without_predictions_is_not_compared(tmp_path):
    runs = [a_run(tmp_path / name, [T, F]) for name in "ab"]
    assert flips(runs[0], runs[1], "test") is None
    assert by_image([[runs[0]], [runs[1]]], "test") is None


def test_recalls_are_means_over_seeds_and_images(tmp_path):
    # Classes 0, 1, 2, 0, 1, 2; of two seeds.
    runs = [a_run(tmp_path / "a", [T, F, T, T, F, T]), a_run(tmp_path / "b", [T, T, F, F, F, T])]
    (found,) = by_image([runs], "validation") or ()
    assert found.recalls == (3 / 4, 1 / 4, 3 / 4)


def test_other_images_and_excess_variance_are_of_the_seeds(tmp_path):
    hits = {
        name: [drawn(share, seed) for seed in range(3)] for name, share in (("a", 0.6), ("b", 0.8))
    }
    runs = [
        [a_run(tmp_path / f"{name}{n}", each) for n, each in enumerate(seeds)]
        for name, seeds in hits.items()
    ]
    first, second = by_image(runs, "validation") or ()
    assert first.other_images is None
    a, b = np.stack(hits["a"]), np.stack(hits["b"])
    assert second.other_images is not None
    assert second.other_images.difference == pytest.approx(b.mean() - a.mean())
    share, n = a.mean(axis=0), a.shape[1]
    binomial = (share * (1 - share)).sum() * 3 / 2 / n**2
    assert first.excess == pytest.approx(n / (n - 1) * (a.mean(axis=1).var(ddof=1) - binomial))
