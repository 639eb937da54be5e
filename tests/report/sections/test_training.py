"""The training section against the run's rows and configuration."""

from __future__ import annotations

import pytest

from cifar_lab.report.figures import training as figures
from cifar_lab.report.sections.training import momentum, training
from tests.report.figures.test_lr_finder import found
from tests.report.readings import reading


def test_the_curves_alternative_text_names_the_last_values():
    chart, table, _ = training(reading()).blocks
    curves, learning_rate = chart.pictures
    assert curves.alt == (
        "Loss and accuracy over 2 epochs; final train loss 1.000 and accuracy 50.0%; "
        "validation loss 1.250 and accuracy 40.0%."
    )
    assert learning_rate.alt == (
        "Learning rate: starts at 0.1, peaks at 0.1, ends at 0.01 after 4 steps."
    )
    assert table.header == (
        "epoch", "step", "loss, train", "loss, validation", "accuracy, train",
        "accuracy, validation", "learning rate, planned", "learning rate, used",
    )  # fmt: skip
    assert table.rows[0] == ["1", "2", "2.0000", "2.5000", "25.00", "20.00", "0.0500", "0.1000"]


def test_columns_of_hooks_are_shown_beside_the_curves():
    rows = [dict(row, norm=epoch / 3) for epoch, row in enumerate(reading().run.metrics, 1)]
    rows[0]["gone"] = 1.0
    (columns,) = training(reading(metrics=rows)).blocks[2].pictures
    assert columns.name == "columns"
    assert columns.alt == "Columns of hooks over 2 epochs; final norm 0.6667 and gone nan."
    many = [dict(row, **{f"c{n}": 1.0 for n in range(20)}) for row in rows]
    assert (
        "Showing 12 of 22 columns." in training(reading(metrics=many)).blocks[2].pictures[0].caption
    )


def test_positions_are_those_of_the_steps():
    rows = [dict(row, step=step) for row, step in zip(reading().run.metrics, (1, 3), strict=True)]
    cut = reading(metrics=rows)
    assert cut.ends == [0.5, 1.5]
    # Rows of older versions have no steps: they follow from the limit on batches.
    config = cut.run.config | {"trainer": {"batch_size": 512, "limit_batches": 1}}
    older = reading(config=config)
    assert older.ends == [0.5, 1.5]
    curves = training(older).blocks[0].pictures[0]
    assert "Each epoch was cut to 1 batch (trainer.limit_batches)" in curves.caption
    assert "Dashed: epoch 2, which is reported." in curves.caption
    assert reading().ends == [1, 2]


def test_used_learning_rates_lie_at_their_steps(monkeypatch):
    drawn, original = [], figures.learning_rate
    monkeypatch.setattr(
        figures, "learning_rate", lambda *a, **also: drawn.append(a) or original(*a, **also)
    )
    rows = [dict(row, step=step) for row, step in zip(reading().run.metrics, (1, 3), strict=True)]
    training(reading(metrics=rows))
    # Two steps per epoch: the updates 1 and 3 end in the middle of epochs 1 and 2.
    assert drawn == [([0.1, 0.05, 0.02, 0.01], 2, [(0.5, 0.1), (1.5, 0.05)])]


def test_what_range_tests_found_is_shown_where_they_were_made():
    record = found()
    _, _, tests, _ = training(reading(lr_finder=record)).blocks
    (tests,) = tests.pictures
    assert tests.name == "lr_finder"
    assert f"{record.max_lr:.3g}, the median suggestion by valley over 3 seeds" in tests.caption
    ends = record.suggestions["valley"]
    assert f"(range {ends.lowest:.3g} to {ends.highest:.3g})." in tests.alt


def test_a_test_curve_is_called_for_looking_only():
    rows = [dict(row, test_loss=1.0, test_accuracy=0.5) for row in reading().run.metrics]
    words = "it was not used to choose anything"
    assert words in training(reading(metrics=rows)).blocks[0].pictures[0].caption
    assert words not in training(reading()).blocks[0].pictures[0].caption


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (
            {"momentum": 0.9, "nesterov": True},
            "sgd, used momentum 0.9 and nesterov true throughout",
        ),
        ({"betas": [0.9, 0.999]}, "sgd, used betas 0.9 and 0.999 throughout"),
        ({}, "sgd, has no momentum"),
    ],
)
def test_momentum_is_told(optimizer, expected):
    assert expected in momentum({"optimizer": {"_target_": "x.sgd", **optimizer}})
