"""torchvision's transforms as steps: torchvision's own result, reproducible for each image."""

from __future__ import annotations

import albumentations as A
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import transforms as v1
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from cifar_lab.data.batch_augment import AugmentationStack
from cifar_lab.data.torchvision_step import TorchvisionStep, why_not_a_step

IMAGE = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)
RANDOM = [
    v2.ColorJitter(0.5, 0.5, 0.5, 0.2),
    v2.RandomRotation(30),
    v2.RandomErasing(p=1.0),
    v2.RandAugment(),
    v2.RandomApply([v2.GaussianBlur(3)], p=0.5),
]


class Rolled(v2.Transform):
    """A user's own, which draws from every global state."""

    def transform(self, inpt, params):
        return inpt.roll(int(torch.randint(10, ())) + np.random.randint(10), -1)


def step(transform, name="step", seed=0) -> TorchvisionStep:
    return TorchvisionStep(transform, name, seed)


def test_pixels_are_those_that_torchvision_computes_from_a_pil_image():
    found = step(v2.RandomHorizontalFlip(p=1.0))(IMAGE, 0, 0)
    assert np.array_equal(found, np.asarray(F.horizontal_flip(Image.fromarray(IMAGE))))
    assert (found.dtype, found.flags["C_CONTIGUOUS"]) == (np.uint8, True)
    grey = step(v2.Grayscale(num_output_channels=3))(IMAGE, 0, 0)
    expected = F.rgb_to_grayscale(torch.from_numpy(IMAGE).permute(2, 0, 1), 3).permute(1, 2, 0)
    assert np.array_equal(grey, expected.numpy())


def test_a_pil_image_is_an_array_again():
    to_pil = v2.Compose([v2.ToPILImage(), v2.RandomVerticalFlip(p=1.0)])
    assert np.array_equal(step(to_pil)(IMAGE, 0, 0), IMAGE[::-1])


@pytest.mark.parametrize("transform", [*RANDOM, Rolled()], ids=lambda t: type(t).__name__)
def test_draws_depend_on_seed_name_epoch_and_row_alone(transform):
    made = step(transform)
    places = [(epoch, row) for epoch in range(3) for row in range(6)]
    forwards = [made(IMAGE, *place) for place in places]
    torch.manual_seed(7)
    backwards = [step(transform)(IMAGE, *place) for place in reversed(places)][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(forwards, backwards, strict=True))
    assert len({each.tobytes() for each in forwards}) > 1
    others = [step(transform, "other", 0), step(transform, "step", 1)]
    for other in others:
        changed = [other(IMAGE, *place) for place in places]
        assert any(not np.array_equal(a, b) for a, b in zip(forwards, changed, strict=True))


def test_the_image_and_the_global_states_are_left_alone():
    before, state = IMAGE.copy(), torch.get_rng_state()
    step(v2.RandomErasing(p=1.0, value=7))(IMAGE, 0, 0)
    assert np.array_equal(IMAGE, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_it_takes_its_place_among_other_steps():
    flip = {"tv": v2.RandomHorizontalFlip(p=1.0), "a": A.HorizontalFlip(p=1.0)}
    stack = AugmentationStack(flip, 0, 4, (8, 10), lowered=True)
    assert stack.last_without_batched_form == "tv"
    assert np.array_equal(stack.one(IMAGE, 0, 0), IMAGE)  # mirrored twice


@pytest.mark.parametrize(
    ("built", "told"),
    [
        (v1.RandomRotation(5), "use torchvision.transforms.v2.RandomRotation"),
        (v2.MixUp(num_classes=3), "mixing=mixup"),
        (nn.Identity(), "an nn.Module"),
        (lambda image: image, "is a function, not a transform"),
        (3, "an object of int"),
    ],
)
def test_other_kinds_are_named(built, told):
    assert told in (why_not_a_step(built) or "")


def test_a_transform_is_a_step():
    assert why_not_a_step(Rolled()) is None
