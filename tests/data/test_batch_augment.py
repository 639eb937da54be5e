"""The stack on batches gives the same pixels as its steps on single images."""

from __future__ import annotations

import pickle

import albumentations as A
import numpy as np
import pytest
import torch
from scipy import stats

from cifar_lab.data.augment import AlternatingFlip, PadAndCrop
from cifar_lab.data.batch_augment import AugmentationStack
from cifar_lab.refusal import Refusal

COUNT = 200
#: Every step used by the augmentation options, and the same steps with other arguments.
STEPS = {
    "crop": lambda: PadAndCrop(4, "reflect", p=1.0),
    "crop sometimes": lambda: PadAndCrop(3, "reflect", p=0.6),
    "crop with the edge": lambda: PadAndCrop(4, "replicate", p=1.0),
    "crop with zeros": lambda: PadAndCrop(4, "constant", p=0.8),
    "flip": lambda: A.HorizontalFlip(p=0.5),
    "alternating flip": AlternatingFlip,
    "hole": lambda: dropout((1, 1), (8, 8), (8, 8), (12, 120, 250)),
    "large hole": lambda: dropout((1, 1), (16, 16), (4, 40), 7, p=1.0),
    "small hole": lambda: dropout((1, 1), (1, 2), (2, 30), 9),
    "holes": lambda: dropout((2, 5), (1, 6), (0, 9), (1.7, 2, 3)),
    "holes by share": lambda: dropout((1, 2), (0.1, 0.5), (0.2, 0.99), 0),
}
#: Rows and columns; the last size is smaller than the padding.
SIZES = [(32, 32), (9, 17), (3, 2)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STEPS)
def test_a_step_gives_the_pixels_of_albumentations_own_for_the_same_draws(name, size):
    if "hole" in name and min(size) < 16:
        name = {"hole": "small hole", "large hole": "small hole"}.get(name, name)
    assert_batches_equal_single_images({name: STEPS[name]}, size)


def test_holes_that_do_not_fit_the_images_are_refused():
    with pytest.raises(ValueError, match="holes of 16 pixels do not fit images of 9"):
        stack({"hole": dropout((1, 1), (16, 16), (4, 40), 7)}, (9, 17))


@pytest.mark.parametrize(
    "names",
    [
        ["crop", "flip", "hole"],
        ["flip", "crop with zeros"],
        ["crop with zeros", "crop", "flip"],
        ["hole", "crop", "holes", "flip"],
        ["alternating flip", "crop sometimes", "large hole", "crop with the edge"],
    ],
)
def test_steps_together_give_the_pixels_of_the_steps_one_after_the_other(names):
    assert_batches_equal_single_images({name: STEPS[name] for name in names}, (32, 32))


def test_the_window_of_a_crop_lies_in_the_padded_image():
    """Compared with numpy's padding rather than the project's own step."""
    images = pictures((8, 8))
    for border, mode in (("reflect", "reflect"), ("replicate", "edge"), ("constant", "constant")):
        padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode=mode)
        cropped = whole(stack({"crop": PadAndCrop(2, border, p=1.0)}, (8, 8)), images, 0)
        for image, window in zip(padded, cropped, strict=True):
            windows = np.lib.stride_tricks.sliding_window_view(image, (8, 8, 3))[:, :, 0]
            assert (windows == window).all((2, 3, 4)).any()


@pytest.mark.parametrize("lowered", [True, False])
def test_steps_up_to_one_without_a_batched_form_run_on_single_images(lowered):
    def steps():
        return {"flip": STEPS["flip"](), "noise": A.GaussNoise(p=1), "hole": STEPS["hole"]()}

    made = AugmentationStack(steps(), 0, COUNT, (32, 32), lowered)
    assert (len(made.images), len(made.batches)) == ((2, 1) if lowered else (3, 0))
    assert made.last_without_batched_form == "noise"
    assert "'noise'" in made.described(2)
    images = pictures((32, 32))
    alone = AugmentationStack(steps(), 0, COUNT, (32, 32), lowered=False)
    for row in range(20):
        np.testing.assert_array_equal(made.one(images[row], 1, row), alone.one(images[row], 1, row))


def test_the_description_says_where_the_steps_run():
    steps = {"flip": STEPS["flip"](), "crop": STEPS["crop"]()}
    assert stack(steps, (8, 8)).described(2) == "on whole batches"
    off = AugmentationStack(steps, 0, COUNT, (8, 8), lowered=False)
    said = "image by image in 2 worker processes: batched augmentation is switched off"
    assert off.described(2) == said


@pytest.mark.parametrize("fill", ["random", "random_uniform", "inpaint_telea"])
def test_holes_with_a_random_fill_have_no_batched_form(fill):
    assert stack({"hole": A.CoarseDropout(fill=fill)}, (8, 8)).last_without_batched_form == "hole"


def test_a_subclass_that_changes_pixels_has_no_batched_form():
    class Upside(A.HorizontalFlip):
        def apply(self, img, **params):
            return img[::-1]

    assert stack({"flip": Upside(p=1)}, (8, 8)).last_without_batched_form == "flip"


def test_draws_do_not_depend_on_the_batch_its_order_or_its_size():
    steps = {name: STEPS[name]() for name in ("crop", "flip", "holes")}
    images = pictures((16, 16))
    made = stack(steps, (16, 16))
    everything = whole(made, images, epoch=3)
    rows = np.random.default_rng(0).permutation(COUNT)
    for part in np.array_split(rows, 7):
        np.testing.assert_array_equal(some(made, images, part, epoch=3), everything[part])


def test_draws_do_not_depend_on_how_many_images_there_are():
    images = pictures((16, 16))
    few = AugmentationStack({"crop": STEPS["crop"]()}, 0, 10, (16, 16), lowered=True)
    many = AugmentationStack({"crop": STEPS["crop"]()}, 0, COUNT, (16, 16), lowered=True)
    rows = np.arange(10)
    np.testing.assert_array_equal(some(few, images, rows, 2), some(many, images, rows, 2))


def test_taking_a_step_away_leaves_the_draws_of_the_others():
    images = pictures((16, 16))
    both = stack({"crop": STEPS["crop"](), "hole": STEPS["hole"]()}, (16, 16))
    crop_alone = whole(stack({"crop": STEPS["crop"]()}, (16, 16)), images, 0)
    unchanged = (whole(both, images, 0) == crop_alone).all((1, 2, 3))
    assert COUNT / 4 < unchanged.sum() < COUNT  # images without a hole


def test_every_seed_epoch_step_and_image_has_draws_of_its_own():
    image = np.arange(40 * 40 * 3).reshape(40, 40, 3).astype(np.uint8)
    images = np.stack([image] * 4)
    drawn = [
        whole(AugmentationStack(steps, seed, 4, (40, 40), lowered=True), images, epoch)
        for steps in ({"a": PadAndCrop(12, "reflect", p=1)}, {"b": PadAndCrop(12, "reflect", p=1)})
        for seed in (0, 1, 2)
        for epoch in (0, 1, 2)
    ]
    different = {each.tobytes() for batch in drawn for each in batch}
    assert len(different) > 0.85 * 72  # 72 draws from 625 windows: about four collide


def test_alternating_flips_show_every_image_both_ways_in_any_two_epochs():
    images = pictures((4, 6))
    made = stack({"flip": AlternatingFlip()}, (4, 6))
    epochs = [(whole(made, images, epoch) != images).any((1, 2, 3)) for epoch in range(4)]
    assert (epochs[0] ^ epochs[1]).all()
    assert (epochs[2] == epochs[0]).all()
    assert (epochs[3] == epochs[1]).all()
    assert stats.binomtest(int(epochs[0].sum()), COUNT).pvalue > 1e-4


def test_a_copy_sent_to_another_process_draws_the_same():
    images = pictures((8, 8))
    steps = {"noise": A.GaussNoise(p=1), "crop": STEPS["crop"]()}
    made = AugmentationStack(steps, 0, COUNT, (8, 8), lowered=False)
    made.one(images[0], 0, 0)
    copied = pickle.loads(pickle.dumps(made.images))
    for place in ((1, 9), (0, 3)):
        np.testing.assert_array_equal(copied(images[3], *place), made.images(images[3], *place))


def test_the_images_that_came_are_left_as_they_were():
    images = pictures((8, 8))
    for name in ("crop", "flip", "small hole", "holes by share"):
        whole(stack({name: STEPS[name]()}, (8, 8)), images, 0)
    np.testing.assert_array_equal(images, pictures((8, 8)))


def test_nothing_is_drawn_from_the_global_streams():
    torch.manual_seed(0)
    np.random.seed(0)
    before = torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()
    whole(stack({name: step() for name, step in STEPS.items()}, (16, 16)), pictures((16, 16)), 0)
    assert (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()) == before


@pytest.mark.parametrize(
    ("step", "given"),
    [
        (lambda: A.Resize(4, 4), r"uint8 of \(4, 4, 3\)"),
        (lambda: A.Normalize(), r"float32 of \(8, 8, 3\)"),
        (lambda: A.ToGray(num_output_channels=1, p=1), r"uint8 of \(8, 8\)"),
    ],
)
def test_steps_that_change_dtype_or_shape_are_refused(step, given):
    message = (
        rf"augmentation\.train must return uint8 images of shape \(8, 8, 3\), the same as its "
        rf"input, but returned {given}; normalisation runs after its steps, and image size is set "
        r"with dataset\.resize"
    )
    with pytest.raises(Refusal, match=message):
        stack({"step": step()}, (8, 8)).images(pictures((8, 8))[0], 0, 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_the_pixels_are_those_of_the_cpu():
    images = pictures((32, 32))
    for name, step in STEPS.items():
        expected = whole(stack({name: step()}, (32, 32)), images, 1)
        rows = torch.arange(COUNT, device="cuda")
        made = stack({name: step()}, (32, 32))
        found = made.batches(torch.from_numpy(images).cuda(), rows, 1, rows)
        np.testing.assert_array_equal(found.cpu().numpy(), expected)


def assert_batches_equal_single_images(make, size: tuple[int, int]) -> None:
    images = pictures(size)
    lowered = stack({name: each() for name, each in make.items()}, size)
    single = AugmentationStack(
        {name: each() for name, each in make.items()}, 0, COUNT, size, lowered=False
    )
    assert (len(lowered.images), len(single.batches)) == (0, 0)
    for epoch in (0, 1):
        found = whole(lowered, images, epoch)
        expected = [single.images(images[row], epoch, row) for row in range(COUNT)]
        np.testing.assert_array_equal(found, np.stack(expected))


def stack(steps, size: tuple[int, int]) -> AugmentationStack:
    return AugmentationStack(steps, 0, COUNT, size, lowered=True)


def whole(made: AugmentationStack, images: np.ndarray, epoch: int) -> np.ndarray:
    return some(made, images, np.arange(len(images)), epoch)


def some(made: AugmentationStack, images: np.ndarray, rows: np.ndarray, epoch: int) -> np.ndarray:
    chosen = torch.from_numpy(rows)
    return made.batches(torch.from_numpy(images), chosen, epoch, chosen).numpy()


def pictures(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (COUNT, *size, 3), dtype=np.uint8)


def dropout(holes, heights, widths, fill, p: float = 0.5) -> A.CoarseDropout:
    return A.CoarseDropout(
        num_holes_range=holes,
        hole_height_range=heights,
        hole_width_range=widths,
        fill=fill,
        p=p,
    )
