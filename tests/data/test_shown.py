"""What is said to be shown, compared with the batches that a loader gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cifar_lab.data.augment import PadAndCrop
from cifar_lab.data.batch_augment import AugmentationStack
from cifar_lab.data.loaders import WHOLE, Shard, TrainLoader
from cifar_lab.data.mixing import CutMix, MixedBatch, Mixup
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.data.shown import rows_shown, shown
from tests.data.test_loaders import COUNT, arrays, some_dataset


def loader(mixing=None, batch_size=5, shard=WHOLE) -> TrainLoader:
    data = some_dataset()
    normalise = Normalise(np.zeros(3), np.ones(3), torch.device("cpu"), False, torch.float32)
    height, width = data.image_size
    stack = AugmentationStack(
        {"crop": PadAndCrop(2, "reflect", p=1.0)}, 0, COUNT, (height, width), lowered=True
    )
    pixels = Pixels(data.source.train.images, normalise.device, resident=True)
    return TrainLoader(data, pixels, stack, normalise, mixing, batch_size, 0, 0, shard)


@pytest.mark.parametrize("mixing", [None, Mixup(1.0, 0.7), CutMix(1.0, 0.7)])
@pytest.mark.parametrize("processes", [1, 2])
def test_images_are_those_of_the_runs_batches(mixing, processes):
    run = loader(mixing)
    for epoch in (0, 3):
        order = run.order(epoch).tolist()
        met = mixed = 0
        for rank in range(processes):
            part = loader(mixing, shard=Shard(rank, processes))
            for number, batch in enumerate(part.batches(epoch, 0, len(part))):
                rows = order[5 * processes * number : 5 * processes * (number + 1)]
                mine = np.array_split(rows, processes)[rank]
                for place, row in enumerate(mine):
                    found = shown(run, int(row), epoch, None, processes)
                    expected = 255 * batch.images[place].permute(1, 2, 0)
                    np.testing.assert_allclose(found.pixels, expected, atol=0.51)
                    assert found.label == batch.labels[place]
                    if isinstance(batch, MixedBatch):
                        assert found.partner == batch.partners[place]
                        assert found.weight == pytest.approx(float(batch.weight))
                        mixed += found.weight < 1
                    met += 1
        assert met == len(order)
        assert (mixed > 0) is (mixing is not None)


def test_an_image_after_the_last_batch_is_not_shown():
    run = loader()
    for epoch in (0, 1):
        order = run.order(epoch)
        for row in order[:10]:
            assert shown(run, int(row), epoch, 2, 1) is not None
        for row in order[10:]:
            assert shown(run, int(row), epoch, 2, 1) is None


def test_rows_are_those_shown_in_most_epochs():
    run = loader()
    assert rows_shown(run, [0, 1], None, 1).tolist() == sorted(run.rows)
    first = [set(run.order(epoch)[:10].tolist()) for epoch in (0, 1)]
    assert first[0] & first[1]
    assert rows_shown(run, [0, 1], 2, 1).tolist() == sorted(first[0] & first[1])
    assert rows_shown(run, [0], 1, 2).tolist() == sorted(first[0])
    assert rows_shown(run, [], 1, 1).tolist() == sorted(run.rows)


def test_the_images_themselves_are_left_alone():
    run = loader(Mixup(1.0, 1.0))
    before = arrays().images.copy()
    shown(run, int(run.rows[0]), 0, None, 1)
    np.testing.assert_array_equal(run.images, before)
