"""Tests data.json against counts taken one by one."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.data.arrays import Dataset, ImageArrays, SourceImages
from cifar_lab.run.data import Data, described_data
from cifar_lab.run.files import read_object, write_object


@pytest.fixture
def dataset() -> Dataset:
    def arrays(labels: list[int]) -> ImageArrays:
        images = np.zeros((len(labels), 6, 8, 3), dtype=np.uint8)
        ids = np.asarray([str(n) for n in range(len(labels))])
        return ImageArrays(images, np.asarray(labels), ("ant", "bee", "größe"), ids)

    source = SourceImages(arrays([0, 1, 1, 0, 2, 0]), arrays([2, 2, 1]), "f" * 64)
    train, val = np.asarray([0, 1, 2, 4]), np.asarray([3, 5])
    return Dataset(source, train, val, np.asarray([0.1, 0.2, 1 / 3]), np.full(3, 0.25))


def test_splits_and_classes_are_counted(dataset):
    data = described_data(dataset)
    assert data.split_sizes == {"train": 4, "val": 2, "test": 3}
    assert data.class_counts == {"train": (1, 2, 1), "val": (2, 0, 0), "test": (0, 1, 2)}
    assert data.image_size == (6, 8)
    assert data.fingerprint == "f" * 64


def test_every_digit_of_mean_and_deviation_reads_back(dataset, tmp_path):
    data = described_data(dataset)
    write_object(tmp_path / "data.json", data)
    again = read_object(tmp_path / "data.json", Data)
    assert again == data
    assert again.mean == (0.1, 0.2, 1 / 3)
    assert again.class_names == ("ant", "bee", "größe")
