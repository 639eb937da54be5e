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
