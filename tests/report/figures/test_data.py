"""Charts of a data set, checked by the data in their axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cifar_lab.report.figures import data as figures


def test_the_distribution_leaves_out_a_split_without_images(drawn):
    counts = {"train": np.array([5, 6]), "val": np.array([0, 0]), "test": np.array([2, 1])}
    png = figures.class_distribution(counts, ("cat", "dog"))
    assert png.startswith(b"\x89PNG")
    (axes,) = drawn[0].axes
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == [5, 6, 2, 1]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train", "test"]


def test_bars_of_sizes_end_in_their_numbers(drawn):
    figures.sizes_by_count({"train": [50_000, 7], "test": [10_000, 0]}, ["32×32", "64×48"])
    (axes,) = drawn[0].axes
    assert [bar.get_width() for bar in axes.patches] == [50_000, 7, 10_000, 0]
    assert [text.get_text() for text in axes.texts] == ["50,000", "7", "10,000", "0"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["32×32", "64×48"]
    # The first size is at the top, and no bars overlap.
    low, high = axes.get_ylim()
    assert low > high
    ends = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ends))


def test_many_sizes_are_dots_at_width_and_height(drawn):
    figures.many_sizes({"train": {(10, 20): 3, (40, 30): 1}, "test": {(12, 15): 2}})
    train, test = drawn[0].axes
    assert train.collections[0].get_offsets().tolist() == [[20, 10], [30, 40]]
    assert test.collections[0].get_offsets().tolist() == [[15, 12]]
    assert train.get_xlim() == train.get_ylim() == test.get_xlim()
    three, one = train.collections[0].get_sizes()
    (two,) = test.collections[0].get_sizes()
    # Areas are linear in the number of images, with the same scale in both panels.
    assert three - two == pytest.approx(two - one)


def test_pixel_values_are_shares_and_ranges(drawn):
    counts = np.zeros((3, 256), np.int64)
    counts[:, 255] = 1
    counts[0, 51] = 3
    mean, std = np.array([0.2, 0.4, 0.6]), np.array([0.1, 0.2, 0.05])
    figures.pixel_values(counts, {"train": (mean, std), "test": (mean / 2, std)})
    shares, ranges = drawn[0].axes
    red, green, _ = (line.get_ydata() for line in shares.lines)
    assert (red[51], red[255], green[255]) == (75, 25, 100)
    assert shares.lines[0].get_xdata()[51] == pytest.approx(0.2)
    bars = [segment[:, 1].tolist() for segment in ranges.collections[0].get_segments()]
    np.testing.assert_allclose(bars, [[0.1, 0.3], [0.2, 0.6], [0.55, 0.65]])
