"""What the steps of an augmentation are handed, and what they are refused for."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.assembly.augmentation import augmentation, grey_levels
from cifar_lab.refusal import Refusal

CUTOUT = {
    "_target_": "albumentations.CoarseDropout", "num_holes_range": [1, 1],
    "hole_height_range": [4, 4], "hole_width_range": [4, 4], "fill": "mean", "p": 1.0,
}  # fmt: skip
FLIP = {"_target_": "albumentations.HorizontalFlip", "p": 0.5}


def built(lowered=True, **steps):
    return augmentation(steps, [10, 20, 30], seed=0, images=5, size=(8, 8), lowered=lowered)


def test_the_mean_counts_only_where_a_step_is_filled_with_it():
    mean = (0.5, 0.25, 1.0)
    assert grey_levels({"flip": FLIP, "cutout": CUTOUT}, mean) == [128, 64, 255]
    assert grey_levels({"flip": FLIP, "cutout": CUTOUT | {"fill": 0}}, mean) is None


@pytest.mark.parametrize("lowered", [True, False])
def test_holes_are_filled_with_the_grey_levels(lowered):
    stack = built(lowered, cutout=CUTOUT)
    assert bool(len(stack.batches)) == lowered
    image = stack.one(np.zeros((8, 8, 3), dtype=np.uint8), epoch=0, row=3)
    assert (image == [10, 20, 30]).all(axis=2).sum() == 16
    assert image.any(axis=2).sum() == 16


def test_no_steps_are_no_stack():
    assert built() is None


def test_every_wrong_argument_of_a_step_is_told_with_its_key():
    wrong = CUTOUT | {"p": 2, "num_holes_range": [0, 1]}
    with pytest.raises(Refusal) as caught:
        built(flip=FLIP, cutout=wrong)
    told = sorted(caught.value.problems)
    assert len(told) == 2
    assert told[0].startswith("augmentation.train.cutout.num_holes_range=")
    assert told[1] == "augmentation.train.cutout.p=2: must be less than or equal to 1"


def test_a_step_that_changes_what_an_image_is_shows_before_a_run():
    half = {"_target_": "albumentations.Resize", "height": 4, "width": 4}
    with pytest.raises(Refusal, match=r"must return uint8 images of shape \(8, 8, 3\)"):
        built(half=half)
