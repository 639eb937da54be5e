"""The mixed batch against the loader's own batches."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.data.mixing import CutMix, Mixup
from cifar_lab.report.blocks import Page
from cifar_lab.report.sections import mixed as section
from cifar_lab.report.sections.data import data
from cifar_lab.report.sections.mixed import mixed, most_mixed
from tests.report.readings import CLASSES, dataset, loader, reading

CONFIG = {
    **reading().run.config,
    "mixing": {"_target_": "cifar_lab.data.Mixup", "alpha": 1.0, "p": 1.0},
}


def run(mixing=None, **changes):
    mixing = mixing or Mixup(1.0, 1.0)
    return reading(config=CONFIG, loader=loader(dataset(), mixing=mixing), **changes)


@pytest.mark.parametrize("mixing", [Mixup(1.0, 1.0), CutMix(1.0, 1.0)])
def test_images_and_weights_are_those_that_the_loader_gives(mixing):
    train = loader(dataset(), mixing=mixing)
    number, found, compared = most_mixed(train, None, 1)
    batches = list(train.batches(0, 0, len(train)))
    weights = [float(batch.weight) for batch in batches]
    assert compared == 2
    assert number == int(np.argmin(weights[:2]))  # the last batch has one image
    batch = batches[number]
    assert [each.label for each in found] == batch.labels.tolist()
    assert [each.partner for each in found] == batch.partners.tolist()
    assert {each.weight for each in found} == {weights[number]}
    pixels = (batch.images * 0.25 + 0.5).permute(0, 2, 3, 1).numpy() * 255  # as normalised
    for each, expected in zip(found, pixels, strict=True):
        np.testing.assert_allclose(each.pixels, expected, atol=0.51)


def test_the_picture_states_the_weights_of_both_labels(monkeypatch):
    made = []
    original = section.grid

    def observed(name, tiles, *rest, **words):
        made.extend(tiles)
        return original(name, tiles, *rest, **words)

    monkeypatch.setattr(section, "grid", observed)
    run_ = run()
    [chart] = mixed(run_)
    number, found, _ = most_mixed(run_.loader, None, 1)
    assert len(made) == len(found) == 4
    for tile, each in zip(made, found, strict=True):
        shares = [float(line.rpartition(":")[2].rstrip(" %")) for line in tile.words]
        assert sum(shares) == pytest.approx(100)
        assert shares[0] == (100 if each.label == each.partner else round(100 * each.weight, 2))
    [picture] = chart.pictures
    assert f"The first 4 images of batch {number + 1} of epoch 1" in picture.caption
    assert "Of the first 2 batches" in picture.caption
    assert "mixed with Mixup" in picture.alt
    assert picture.width == "natural"
    assert any(name in picture.alt for name in CLASSES)


def test_it_stands_in_the_section_only_where_images_are_mixed():
    names = [each.name for each in Page("", "", [], [data(run())]).pictures()]
    assert names[-2:] == ["augmented", "mixed_batch"]
    assert mixed(reading()) == []
    assert mixed(run(epochs_trained=0)) == []


def test_without_any_mixed_batch_there_is_no_picture():
    assert mixed(run(Mixup(1.0, 0.0))) == []


def test_only_the_first_batches_and_images_are_looked_at(monkeypatch):
    train = loader(dataset(), mixing=Mixup(1.0, 1.0))
    assert most_mixed(train, 1, 1)[0] == 0
    monkeypatch.setattr(section, "BATCHES", 1)
    monkeypatch.setattr(section, "IMAGES", 3)
    number, found, _ = most_mixed(train, None, 1)
    assert (number, len(found)) == (0, 3)


def test_a_batch_that_cannot_be_drawn_costs_only_itself(monkeypatch):
    monkeypatch.setattr(section, "most_mixed", lambda *_: 1 / 0)
    warning = data(run()).blocks[-1]
    assert warning.warning
    assert warning.text.startswith("The mixed batch could not be drawn: ZeroDivisionError")
