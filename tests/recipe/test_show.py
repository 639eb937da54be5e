"""What ``show`` prints and draws, of a data set that is known pixel by pixel."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from cifar_lab.data.arrays import Dataset, ImageArrays, SourceImages
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.optim.schedules import Triangular
from cifar_lab.recipe import show
from cifar_lab.report.figures import images
from tests.engine.plans import make_plan
from tests.report.readings import loader


def test_data_counts_the_images_of_each_class_and_split(tmp_path):
    table = [line.split() for line in show.data(dataset(), "Insects", tmp_path).splitlines()]
    assert table[:4] == [
        ["class", "train", "validation", "test"],
        ["ant", "12", "1", "2"],
        ["bumblebee", "3", "1", "1"],
        ["all", "15", "2", "3"],
    ]


def test_the_columns_of_the_counts_are_aligned(tmp_path):
    lines = show.data(dataset(), "Insects", tmp_path).splitlines()[:4]
    assert len({len(line) for line in lines}) == 1


def test_data_says_size_mean_and_standard_deviation(tmp_path):
    text = show.data(dataset(), "Insects", tmp_path)
    assert "image size: 4×6 pixels, RGB" in text
    assert "training images, / 255: 0.10000000 0.20000000 0.30000000" in text
    assert "standard deviation, / 255: 0.50000000 0.25000000 0.12500000" in text


def test_data_writes_a_page_with_its_figures(tmp_path):
    text = show.data(dataset(), "Insects", tmp_path)
    assert text.splitlines()[-1] == f"page: {tmp_path / 'data' / 'data.html'}"
    assert "<title>Data: Insects</title>" in (tmp_path / "data" / "data.html").read_text()
    markdown = (tmp_path / "data" / "data.md").read_text()
    linked = re.findall(r"\]\((figures/.+?\.png)\)", markdown)
    assert linked == [
        f"figures/{name}.png" for name in ("class_distribution", "pixel_values", "samples")
    ]
    for name in linked:
        assert_is_png(tmp_path / "data" / name)


@pytest.mark.parametrize(("epochs", "limit_epochs"), [(2, None), (30, 2)])
def test_augmentation_draws_images_beside_what_each_epoch_of_the_run_shows(
    tmp_path, monkeypatch, epochs, limit_epochs
):
    grids = []
    monkeypatch.setattr(images, "samples", lambda *grid: grids.append(grid) or b"png")
    planned = make_plan(epochs=epochs, limit_epochs=limit_epochs)
    text = show.augmentation(loader(dataset()), planned, ("ant", "bumblebee"), tmp_path)
    ((shown, titles, columns),) = grids
    assert (len(shown), columns) == (8 * 3, 3)
    for start in range(0, len(shown), 3):
        assert len({int(image.max()) for image in shown[start : start + 3]}) == 1
        assert titles[start + 1 : start + 3] == ["epoch 1", "epoch 2"]
    assert text == f"figure: {tmp_path / 'augmentation.png'}"
    assert (tmp_path / "augmentation.png").read_bytes() == b"png"


def test_the_model_is_shown_as_its_layer_table():
    table = show.model(CustomResNet(num_classes=3, width=4), (32, 32), batch_size=7)
    assert "Total mult-adds at batch 7 (G): 0.01" in table
    assert "Total params: 26,116" in table
    assert "[1, 16, 8, 8]" in table


def test_the_schedule_is_told_at_the_end_of_each_epoch(tmp_path):
    planned = Triangular(
        epochs=3,
        steps_per_epoch=500,
        max_lr=0.5,
        peak_epoch=1,
        start_fraction=0.0,
        end_fraction=0.0,
    )
    expected = [
        "1,500 steps, 500 per epoch",
        "first step: 0; largest: 0.5; last: 0",
        "last step of epoch   1: 0.5",
        "last step of epoch   2: 0.25",
        "last step of epoch   3: 0",
        f"figure: {tmp_path / 'schedule.png'}",
    ]
    assert show.schedule(planned, False, tmp_path).splitlines() == expected
    assert_is_png(tmp_path / "schedule.png")
    expected.insert(1, "the run finds the maximum before training; these are multiples of it:")
    assert show.schedule(planned, True, tmp_path).splitlines() == expected


def dataset() -> Dataset:
    """Seventeen training images, two of them held out; each has its row as its grey level."""
    labels = np.array([0] * 13 + [1] * 4)
    train = ImageArrays(
        np.arange(17, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 6, 3), dtype=np.uint8),
        labels,
        ("ant", "bumblebee"),
        np.array([f"train/{row}" for row in range(17)]),
    )
    test = ImageArrays(
        np.zeros((3, 4, 6, 3), dtype=np.uint8),
        np.array([0, 1, 0]),
        ("ant", "bumblebee"),
        np.array([f"test/{row}" for row in range(3)]),
    )
    return Dataset(
        SourceImages(train, test, "fingerprint"),
        train_indices=np.delete(np.arange(17), [5, 14]),
        val_indices=np.array([5, 14]),
        mean=np.array([0.1, 0.2, 0.3]),
        std=np.array([0.5, 0.25, 0.125]),
    )


def assert_is_png(path) -> None:
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert all(100 < side < 4000 for side in image.size)
