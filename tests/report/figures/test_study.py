"""Charts of several runs, checked by the data in their axes."""

from __future__ import annotations

import numpy as np

from cifar_lab.report.figures import study as figures


def test_every_run_is_a_line_in_one_unit_beside_the_published_accuracy(drawn):
    runs = [
        [
            {
                "epoch": epoch, "train_loss": 2.0 / epoch, "test_loss": 3.0 / epoch,
                "train_accuracy": 0.1 * epoch * run, "test_accuracy": 0.2 * epoch * run,
            }
            for epoch in (1, 2)
        ]
        for run in (1, 2)
    ]  # fmt: skip
    assert figures.study_curves(runs, 0.9).startswith(b"\x89PNG")
    loss, accuracy = drawn[0].axes
    drawn_losses = [list(line.get_ydata()) for line in loss.lines]
    assert drawn_losses == [[2, 1], [3, 1.5]] * 2
    drawn_accuracies = [list(line.get_ydata()) for line in accuracy.lines]
    np.testing.assert_allclose(drawn_accuracies[:4], [[10, 20], [20, 40], [20, 40], [40, 80]])
    assert drawn_accuracies[4] == [90, 90]
    names = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert names == ["train", "test", "published test, 90.00 %"]


def test_classes_are_rings_for_runs_and_a_line_at_the_mean(drawn):
    figures.study_classes(["cat", "dog"], np.array([[0.7, 0.9], [0.5, 0.8]]))
    (axes,) = drawn[0].axes
    assert [line.get_xdata().tolist() for line in axes.lines] == [[70, 90], [50, 80]]
    lines = [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()]
    np.testing.assert_allclose(lines, [[60, 60], [85, 85]])
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
