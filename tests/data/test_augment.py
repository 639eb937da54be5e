"""Steps on single images: crops of a padded image, and draws fixed by (seed, epoch, image)."""

from __future__ import annotations

import pickle
import random
import zlib

import albumentations as A
import numpy as np
import pytest
import torch
from scipy import stats

from cifar_lab.data.augment import PadAndCrop, PlainStep
from cifar_lab.data.batch_augment import AugmentationStack, ImageSteps

PAD = 4
#: Steps that draw from Python's generator, from numpy's, from both, and nested steps.
STEPS = {
    "crop": lambda: PadAndCrop(PAD, "reflect", p=1.0),
    "cutout": lambda: A.CoarseDropout(
        num_holes_range=(1, 3), hole_height_range=(2, 8), hole_width_range=(2, 8), fill="random"
    ),
    "noise": lambda: A.GaussNoise(p=0.7),
    "one of": lambda: A.OneOf([A.GaussNoise(p=1), A.RandomBrightnessContrast(p=1)], p=0.9),
    "some of": lambda: A.SomeOf([A.Rotate(p=1), A.ISONoise(p=1), A.HorizontalFlip(p=1)], n=2, p=1),
}


@pytest.mark.parametrize(
    ("border", "mode"), [("reflect", "reflect"), ("replicate", "edge"), ("constant", "constant")]
)
@pytest.mark.parametrize("shape", [(32, 32, 3), (9, 17, 3)])
def test_a_crop_is_the_window_at_its_offset_of_the_padded_image(border, mode, shape):
    image = picture(shape)
    padded = np.pad(image, ((PAD, PAD), (PAD, PAD), (0, 0)), mode=mode)
    augment = PlainStep(PadAndCrop(PAD, border, p=1.0), "step", seed=0)
    for index in range(50):
        cropped = augment(image, 0, index)
        top, left = offset(cropped)
        window = padded[top : top + shape[0], left : left + shape[1]]
        np.testing.assert_array_equal(cropped, window)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_images_smaller_than_the_padding_are_mirrored_again_and_again(side):
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    padded = np.pad(image, ((PAD, PAD), (PAD, PAD), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, image.shape)[..., 0, :, :, :]
    expected = {window.tobytes() for row in windows for window in row}
    augment = PlainStep(PadAndCrop(PAD, "reflect", p=1.0), "step", seed=0)
    assert {augment(image, 0, index).tobytes() for index in range(50)} <= expected


def test_offsets_are_uniform_in_both_directions_and_independent():
    image = picture((32, 32, 3))
    augment = PlainStep(PadAndCrop(PAD, "reflect", p=1.0), "step", seed=0)
    side = 2 * PAD + 1
    counts = np.zeros((side, side), int)
    for index in range(60 * side**2):
        counts[offset(augment(image, 0, index))] += 1
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4
    assert stats.chi2_contingency(counts).pvalue > 1e-4


def test_images_beside_each_other_are_augmented_independently():
    image = picture((8, 8, 3))
    augment = PlainStep(A.HorizontalFlip(p=0.5), "step", seed=0)
    flipped = np.array(
        [[(augment(image, e, i) != image).any() for i in range(1000)] for e in (0, 1)]
    )
    assert stats.binomtest(int(flipped.sum()), flipped.size).pvalue > 1e-4
    for first, second in ((flipped[:, :-1], flipped[:, 1:]), (flipped[0], flipped[1])):
        same = int((first == second).sum())
        assert stats.binomtest(same, first.size).pvalue > 1e-4


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_a_step_is_taken_as_often_as_its_probability_says(p):
    augment = PlainStep(PadAndCrop(1, "constant", p=p), "step", seed=0)
    image = picture((8, 8, 3))
    changed = sum((augment(image, 0, index) != image).any() for index in range(1000))
    # One of the nine windows is the image itself.
    assert stats.binomtest(int(changed), 1000, p * 8 / 9).pvalue > 1e-4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"padding_pixels": 0, "border": "reflect"}, "greater than or equal to 1"),
        ({"padding_pixels": 4, "border": "wrap"}, "'reflect', 'replicate' or 'constant'"),
    ],
)
def test_an_invalid_crop_is_refused_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        PadAndCrop(**arguments, p=1.0)


def test_steps_run_in_their_order():
    image = picture((8, 8, 3))
    flip, transpose = A.HorizontalFlip(p=1), A.Transpose(p=1)
    flip_first = images_steps({"z": flip, "a": transpose}, (8, 8))(image, 0, 0)
    np.testing.assert_array_equal(flip_first, image[:, ::-1].transpose(1, 0, 2))
    transpose_first = images_steps({"a": transpose, "z": flip}, (8, 8))(image, 0, 0)
    np.testing.assert_array_equal(transpose_first, image.transpose(1, 0, 2)[:, ::-1])


@pytest.mark.parametrize("name", STEPS)
def test_draws_are_those_of_plain_albumentations_with_fresh_generators_an_image(name):
    image = picture((16, 16, 3))
    augment = PlainStep(STEPS[name](), "step", seed=7)
    plain = A.Compose([STEPS[name]()], strict=True)
    for epoch in (0, 3):
        words = (7, zlib.crc32(b"step"), epoch)
        key = np.random.SeedSequence(words).generate_state(2, np.uint64)
        for index in (5, 0, 49_999):
            stream = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, index]))
            plain.set_random_state(stream, random.Random(f"{words[:2]}/{epoch}/{index}"))
            expected = plain(image=image)["image"]
            np.testing.assert_array_equal(augment(image, epoch, index), expected)


@pytest.mark.parametrize("name", STEPS)
def test_draws_depend_on_the_image_and_not_on_those_before_it(name):
    image = picture((16, 16, 3))
    places = [(epoch, index) for epoch in (0, 1) for index in range(20)]
    in_order = PlainStep(STEPS[name](), "step", seed=0)
    expected = {place: in_order(image, *place) for place in places}
    random.Random(0).shuffle(places)
    shuffled = PlainStep(STEPS[name](), "step", seed=0)
    for place in places:
        np.testing.assert_array_equal(shuffled(image, *place), expected[place])


def test_a_copy_sent_to_another_process_draws_the_same():
    image = picture((16, 16, 3))
    augment = images_steps({name: make() for name, make in STEPS.items()}, (16, 16))
    copied = pickle.loads(pickle.dumps(augment))
    for place in [(1, 9), (0, 3)]:
        np.testing.assert_array_equal(copied(image, *place), augment(image, *place))


def test_every_seed_epoch_and_image_has_draws_of_its_own():
    image = picture((16, 16, 3))
    drawn = {
        PlainStep(A.GaussNoise(p=1), "step", seed)(image, epoch, index).tobytes()
        for seed in (0, 1, 2)
        for epoch in (0, 1, 2)
        for index in (0, 1, 2)
    }
    assert len(drawn) == 27


def test_nothing_is_drawn_from_the_global_streams():
    def states():
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()

    before = states()
    augment = images_steps({name: make() for name, make in STEPS.items()}, (16, 16))
    for index in range(5):
        augment(picture((16, 16, 3)), 0, index)
    assert states() == before


def test_the_image_that_came_is_left_as_it_was():
    image = picture((16, 16, 3))
    augment = images_steps({name: make() for name, make in STEPS.items()}, (16, 16))
    for index in range(20):
        augment(image, 0, index)
    np.testing.assert_array_equal(image, picture((16, 16, 3)))


def test_two_steps_of_one_kind_draw_otherwise():
    image = np.full((16, 16, 3), 128, np.uint8)
    noises = [PlainStep(A.GaussNoise(p=1), name, 0)(image, 0, 0) for name in ("first", "second")]
    assert (noises[0] != noises[1]).any()


def images_steps(steps, size: tuple[int, int]) -> ImageSteps:
    return AugmentationStack(steps, 0, 50, size, lowered=False).images


def picture(shape: tuple[int, int, int]) -> np.ndarray:
    """Every pixel encodes its position: row in the first channel, column in the second."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.stack([rows, columns, np.full_like(rows, 128)], axis=-1).astype(np.uint8)


def offset(cropped: np.ndarray) -> tuple[int, int]:
    """The offset of a crop of :func:`picture`, read at its centre, which is never padding."""
    row, column = cropped.shape[0] // 2, cropped.shape[1] // 2
    top, left = cropped[row, column, :2].astype(int) - (row, column) + PAD
    return int(top), int(left)
