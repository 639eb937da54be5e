"""Operations give the same pixels as torchvision's on the same image."""

from __future__ import annotations

import pickle

import albumentations as A
import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import _apply_op

from cifar_lab.data.operations import OPERATIONS, Operation

FILL = (10, 200, 90)
#: The project's name and strengths, torchvision's name, and its magnitude for a strength.
SAME = [
    ("identity", [0], "Identity", lambda s: s),
    ("shear_x", [0.0, 0.1, 0.99], "ShearX", lambda s: s),
    ("shear_y", [0.0, 0.1, 0.99], "ShearY", lambda s: s),
    ("translate_x", [0.0, 0.15, 1.0], "TranslateX", lambda s: s * 20),
    ("translate_y", [0.0, 0.15, 1.0], "TranslateY", lambda s: s * 32),
    ("rotate", [0.0, 9.0, 135.0], "Rotate", lambda s: s),
    ("brightness", [0.0, 0.27, 0.99], "Brightness", lambda s: s),
    ("color", [0.0, 0.27, 0.99], "Color", lambda s: s),
    ("contrast", [0.0, 0.27, 0.99], "Contrast", lambda s: s),
    ("sharpness", [0.0, 0.27, 0.99], "Sharpness", lambda s: s),
    ("posterize", [0, 1.2, 4, 6], "Posterize", lambda s: 8 - round(s)),
    ("solarize", [255.0, 178.5, 0.0], "Solarize", lambda s: s),
    ("autocontrast", [0], "AutoContrast", lambda s: s),
    ("equalize", [0], "Equalize", lambda s: s),
]
#: Operations in which torchvision moves pixels the other way; signs are drawn evenly.
MIRRORED = {"translate_x", "translate_y"}


def test_every_operation_is_compared():
    assert [name for name, *_ in SAME] == list(OPERATIONS)


@pytest.mark.parametrize(
    ("name", "strengths", "theirs", "magnitude"), SAME, ids=[name for name, *_ in SAME]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_pixels_are_torchvisions(name, strengths, theirs, magnitude, sign):
    signed = name not in ("posterize", "solarize")
    for strength in strengths:
        ours = sign * strength if signed else strength
        for picture in pictures():
            found = applied(name, ours, picture)
            wanted = magnitude(-ours if name in MIRRORED else ours)
            expected = _apply_op(
                Image.fromarray(picture), theirs, wanted, InterpolationMode.NEAREST, list(FILL)
            )
            np.testing.assert_array_equal(found, np.asarray(expected))


@pytest.mark.parametrize("name", OPERATIONS)
def test_images_keep_shape_and_dtype_and_can_be_written_to(name):
    for shape in ((32, 20, 3), (8, 8, 3), (1, 1, 3)):
        given = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        before = given.copy()
        found = applied(name, 1.0, given)
        assert (found.dtype, found.shape, found.flags.writeable) == (np.uint8, shape, True)
        np.testing.assert_array_equal(given, before)


def test_pixels_from_outside_have_the_filling():
    (picture, *_) = pictures()
    found = applied("translate_x", 0.5, picture)
    assert (found[:, 10:] == FILL).all()
    np.testing.assert_array_equal(found[:, :10], picture[:, 10:])


def test_strengths_and_directions_are_drawn_evenly():
    step = Operation("brightness", [0.1, 0.2, 0.3], signed=True, fill=FILL, p=1.0)
    step.set_random_seed(0)
    values, counts = np.unique(
        [step.get_params()["strength"] for _ in range(6000)], return_counts=True
    )
    assert values.tolist() == [-0.3, -0.2, -0.1, 0.1, 0.2, 0.3]
    assert (abs(counts - 1000) < 120).all()  # four standard deviations
    unsigned = Operation("solarize", [3.0], signed=False, fill=FILL, p=1.0)
    assert {unsigned.get_params()["strength"] for _ in range(50)} == {3.0}


def test_a_copy_sent_to_another_process_is_the_same_step():
    step = Operation("rotate", [20.0], signed=False, fill=FILL, p=1.0)
    copied = pickle.loads(pickle.dumps(step))
    (picture, *_) = pictures()
    for each in (step, copied):
        np.testing.assert_array_equal(each(image=picture)["image"], applied("rotate", 20, picture))


@pytest.mark.parametrize("fill", ["mean", (0, 0, 256), (0, 0)])
def test_a_fill_that_is_not_a_colour_is_refused(fill):
    with pytest.raises(ValueError, match="fill"):
        Operation("rotate", [20.0], signed=False, fill=fill, p=1.0)


def test_albumentations_own_steps_are_other_operations():
    """Why Pillow's is used: the two differ on an image that has the brightest level."""
    (picture, *_) = pictures()
    for ours, theirs in (
        ("autocontrast", A.AutoContrast(method="pil", p=1)),
        ("equalize", A.Equalize(mode="pil", p=1)),
    ):
        assert (theirs(image=picture)["image"] != applied(ours, 0, picture)).mean() > 0.1


def applied(name: str, strength: float, picture: np.ndarray) -> np.ndarray:
    step = Operation(name, [strength], signed=False, fill=FILL, p=1.0)
    return step(image=picture)["image"]


def pictures() -> list[np.ndarray]:
    """Noise without the darkest levels, a gradient, and a solid colour."""
    noise = np.random.default_rng(0).integers(60, 256, (32, 20, 3), dtype=np.uint8)
    gradient = np.linspace(0, 200, 32 * 20 * 3).astype(np.uint8).reshape(32, 20, 3)
    return [noise, gradient, np.full((32, 20, 3), 77, np.uint8)]
