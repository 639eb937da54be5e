"""The strip of augmented images: which epochs it shows, and what it says of them."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.data.mixing import Mixup
from cifar_lab.report.sections import augmented as section
from cifar_lab.report.sections.augmented import augmented, epochs_shown, spread, strip
from tests.report.readings import CLASSES, dataset, loader, reading


@pytest.fixture
def drawn(monkeypatch) -> list[dict]:
    """What grids of samples were drawn from, in order."""
    calls: list[dict] = []
    original = section.samples

    def observed(images, titles, columns):
        calls.append({"images": list(images), "titles": list(titles), "columns": columns})
        return original(images, titles, columns)

    monkeypatch.setattr(section, "samples", observed)
    return calls


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
def test_epochs_are_those_of_the_run(trained, shown, drawn):
    assert epochs_shown(trained) == shown
    strip(loader(dataset()), CLASSES, trained, 2, None, 1)
    names = [f"epoch {epoch + 1}" for epoch in shown]
    assert drawn[0]["columns"] == len(shown) + 1
    assert drawn[0]["titles"][1 : len(shown) + 1] == names


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
    assert words in augmented(reading(epochs_trained=trained)).caption


def test_mixed_images_are_shown_mixed_with_their_shares(drawn):
    data = dataset()
    strip(loader(data, mixing=Mixup(1.0, 1.0)), CLASSES, 1, 3, None, 1)
    (call,) = drawn
    originals, shown = call["images"][::2], call["images"][1::2]
    assert all(not np.array_equal(a, b) for a, b in zip(originals, shown, strict=True))
    for name, title in zip(call["titles"][::2], call["titles"][1::2], strict=True):
        first, *shares = title.split("\n")
        assert first == "epoch 1"
        assert name in [share.rpartition(":")[0] for share in shares]
        assert sum(int(share.rpartition(":")[2].rstrip(" %")) for share in shares) == 100


def test_an_image_that_an_epoch_did_not_reach_is_said_to_be_not_shown(drawn):
    run = loader(dataset())
    strip(run, CLASSES, 2, 1, 1, 1)
    titles = drawn[0]["titles"][1:]
    both = set(run.order(0)[:4]) & set(run.order(1)[:4])
    assert titles == (["epoch 1", "epoch 2"] if both else ["epoch 1", "epoch 2\nnot shown"])
    limited = reading(config={**reading().run.config, "trainer": {"limit_batches": 1}})
    assert augmented(limited).caption.endswith("Each epoch had 1 batch only.")


def test_mixing_is_told_beside_the_images():
    assert augmented(reading()).caption.endswith("before normalisation: no augmentation.")
    node = {"_target_": "cifar_lab.data.mixing.Mixup", "alpha": 0.5, "p": 1.0}
    config = {**reading().run.config, "mixing": node}
    mixed = augmented(reading(config=config, loader=loader(dataset(), mixing=Mixup(0.5, 1.0))))
    assert "mixed in pairs within each batch (Mixup, alpha 0.5, p 1)" in mixed.caption


def test_rows_are_spread_evenly():
    assert spread(np.arange(100, 110), 4).tolist() == [100, 103, 106, 109]
    assert spread(np.arange(2), 4).tolist() == [0, 1]
