"""The strip of augmented images: which epochs it shows, and what it says of them."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.data.mixing import Mixup
from cifar_lab.report.charts.rows import Row, Tile
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.augmented import augmented, epochs_shown, rows, spread
from tests.report.readings import CLASSES, dataset, loader, reading


@pytest.mark.parametrize(
    ("trained", "shown"),
    [
        (0, []),
        (1, [0]),
        (2, [0, 1]),
        (7, [0, 1, 2, 3, 4, 5, 6]),
        (8, [0, 1, 2, 3, 4, 5, 7]),
        (24, [0, 1, 2, 3, 4, 5, 23]),
    ],
)
def test_epochs_are_those_of_the_run(trained, shown):
    assert epochs_shown(trained) == shown
    first, second = rows(loader(dataset()), CLASSES, trained, 2, None, 1)
    names = [f"epoch {epoch + 1}" for epoch in shown]
    for row in (first, second):
        assert row.tiles[0].words == ()
        assert [tile.words[0] for tile in row.tiles[1:]] == names


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        (0, "in no epoch, as none was completed,"),
        (1, "in epoch 1, the only one,"),
        (2, "in epochs 1 and 2, which are all,"),
        (7, "in epochs 1 to 7, which are all,"),
        (24, "in epochs 1 to 6 and 24 of 24,"),
    ],
)
def test_the_caption_states_the_epochs(trained, words):
    assert words in caption(reading(epochs_trained=trained))


def test_mixed_images_are_shown_mixed_with_their_shares():
    data = dataset()
    found = rows(loader(data, mixing=Mixup(1.0, 1.0)), CLASSES, 1, 3, None, 1)
    assert len(found) == 3
    for row in found:
        original, mixed = row.tiles
        assert not np.array_equal(original.image, mixed.image)
        first, *shares = mixed.words
        assert first == "epoch 1"
        assert row.name[0] in [share.rpartition(":")[0] for share in shares]
        assert sum(int(share.rpartition(":")[2].rstrip(" %")) for share in shares) == 100


def test_an_image_that_an_epoch_did_not_reach_is_said_to_be_not_shown():
    run = loader(dataset())
    ((_, first, second),) = tiles(rows(run, CLASSES, 2, 1, 1, 1))
    assert first.words == ["epoch 1"]
    both = set(run.order(0)[:4]) & set(run.order(1)[:4])
    assert second.words == (["epoch 2"] if both else ["epoch 2", "not shown"])
    assert (second.image is None) == (not both)
    limited = reading(config={**reading().run.config, "trainer": {"limit_batches": 1}})
    assert caption(limited).endswith("Each epoch had 1 batch only.")


def test_mixing_is_told_beside_the_images():
    assert caption(reading()).endswith("before normalisation: no augmentation.")
    node = {"_target_": "cifar_lab.data.mixing.Mixup", "alpha": 0.5, "p": 1.0}
    config = {**reading().run.config, "mixing": node}
    mixed = caption(reading(config=config, loader=loader(dataset(), mixing=Mixup(0.5, 1.0))))
    assert "mixed in pairs within each batch (Mixup, alpha 0.5, p 1)" in mixed


def test_rows_are_spread_evenly():
    assert spread(np.arange(100, 110), 4).tolist() == [100, 103, 106, 109]
    assert spread(np.arange(2), 4).tolist() == [0, 1]


def caption(run: Reading) -> str:
    (chart,) = augmented(run)
    return chart.pictures[0].caption


def tiles(found: list[Row]) -> list[list[Tile]]:
    return [list(row.tiles) for row in found]
