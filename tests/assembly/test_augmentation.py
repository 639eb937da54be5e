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


V2 = "torchvision.transforms.v2"


def test_a_transform_of_torchvision_is_a_step_filled_with_the_mean():
    stack = built(turn={"_target_": f"{V2}.RandomRotation", "degrees": [45, 45], "fill": "mean"})
    turned = stack.one(np.full((8, 8, 3), 200, np.uint8), 0, 0)
    assert turned[0, 0].tolist() == [10, 20, 30]
    assert turned[4, 4].tolist() == [200, 200, 200]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"_target_": f"{V2}.Resize", "size": 4}, "must return uint8 images of shape"),
        ({"_target_": f"{V2}.Normalize", "mean": [0.5], "std": [0.5]}, "should be a float tensor"),
        ({"_target_": f"{V2}.MixUp"}, "use mixing=mixup"),
        ({"_target_": "albumentations.ToFloat", "p": 0.001}, "but returned float32"),
    ],
)
def test_what_does_not_give_an_image_of_the_same_kind_is_refused(step, told):
    with pytest.raises(Refusal, match=told):
        built(step=step)


def test_the_probability_of_a_step_is_as_before_it_was_tried():
    stack = built(rare={"_target_": "albumentations.InvertImg", "p": 0.25}, lowered=False)
    image = np.zeros((8, 8, 3), np.uint8)
    inverted = sum(int(stack.one(image, epoch, 0).max()) == 255 for epoch in range(400))
    assert 60 < inverted < 140
