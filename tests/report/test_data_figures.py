"""Charts of a data set by the data in their axes."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cifar_lab.report import data_figures as figures


def test_the_distribution_leaves_out_a_split_without_images(monkeypatch):
    counts = {"train": np.array([5, 6]), "val": np.array([0, 0]), "test": np.array([2, 1])}
    drawn: list[Figure] = []
    as_png = figures.png
    monkeypatch.setattr(figures, "png", lambda figure: drawn.append(figure) or as_png(figure))
    png = figures.class_distribution(counts, ("cat", "dog"))
    assert png.startswith(b"\x89PNG")
    (axes,) = drawn[0].axes
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == [5, 6, 2, 1]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["train", "test"]
