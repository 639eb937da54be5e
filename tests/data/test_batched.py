"""Draws have the same distribution as albumentations' own, according to chi-squared tests."""

from __future__ import annotations

from collections import Counter

import albumentations as A
import numpy as np
import pytest
from scipy import stats

from cifar_lab.data.augment import PadAndCrop
from cifar_lab.data.batched import batched_form

SIZE = (12, 10)
DRAWS = 20_000
#: A p-value below this is not chance; seeds are fixed, so the tests are not flaky.
CHANCE = 1e-4


def test_offsets_are_uniform_in_both_directions_and_independent():
    drawn = draws(PadAndCrop(4, "reflect", p=1.0))
    counts = np.zeros((9, 9), int)
    np.add.at(counts, (drawn[:, 0], drawn[:, 1]), 1)
    assert stats.chisquare(counts.ravel()).pvalue > CHANCE
    assert stats.chi2_contingency(counts).pvalue > CHANCE


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_a_crop_is_taken_as_often_as_its_probability_says(p):
    drawn = draws(PadAndCrop(1, "reflect", p=p))
    moved = int((drawn != 1).any(axis=1).sum())
    assert (
        stats.binomtest(moved, DRAWS, p * 8 / 9).pvalue > CHANCE
    )  # one of the nine windows is the centre


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_images_are_mirrored_as_often_as_the_probability_says(p):
    assert stats.binomtest(int(draws(A.HorizontalFlip(p=p)).sum()), DRAWS, p).pvalue > CHANCE


@pytest.mark.parametrize(
    ("holes", "heights", "widths"),
    [
        ((1, 1), (4, 4), (4, 4)),
        ((1, 3), (2, 5), (1, 4)),
        ((1, 1), (8, 8), (3, 40)),  # as in albumentations, holes are clipped to the image
        ((1, 2), (0.1, 0.7), (0.2, 0.9)),
    ],
)
def test_holes_are_as_many_as_large_and_where_albumentations_has_them(holes, heights, widths):
    step = A.CoarseDropout(
        num_holes_range=holes, hole_height_range=heights, hole_width_range=widths, p=0.7
    )
    step.set_random_seed(5)
    theirs = [albumentations_holes(step) for _ in range(DRAWS)]
    ours = [one[one[:, 2] > 0] for one in draws(step)]
    assert_alike([len(each) for each in theirs], [len(each) for each in ours])
    theirs, ours = np.concatenate(theirs), np.concatenate(ours)
    for corner in range(4):
        assert_alike(theirs[:, corner], ours[:, corner])
    for height_or_width in (1, 0):  # (left, top, right, bottom)
        size = [
            holes[:, height_or_width + 2] - holes[:, height_or_width] for holes in (theirs, ours)
        ]
        assert_alike(*size)
        # Size and position jointly: a large hole has less room.
        joint = [
            zip(s, each[:, height_or_width], strict=True)
            for s, each in zip(size, (theirs, ours), strict=True)
        ]
        assert_alike(*(list(map(tuple, pairs)) for pairs in joint))


def test_steps_of_one_image_draw_independently_of_each_other():
    flips = draws(A.HorizontalFlip(p=0.5), columns=[0])
    crops = draws(PadAndCrop(1, "reflect", p=1.0))
    table = np.zeros((2, 3), int)
    np.add.at(table, (flips[:, 0], crops[:, 0]), 1)
    assert stats.chi2_contingency(table).pvalue > CHANCE


def test_other_steps_have_no_batched_form():
    for step in (A.Rotate(), A.VerticalFlip(), A.OneOf([A.HorizontalFlip(p=1)])):
        assert batched_form(step, SIZE) is None


def draws(step, columns=None) -> np.ndarray:
    form = batched_form(step, SIZE)
    uniform = np.random.default_rng(0 if columns is None else 1).random((DRAWS, form.uniforms))
    return form.draws(uniform, epoch=0)


def albumentations_holes(step: A.CoarseDropout) -> np.ndarray:
    """The holes that the step itself draws, without empty ones; none if it is not applied."""
    if not step.should_apply():
        return np.zeros((0, 4), int)
    params = step.get_params_dependent_on_data({"shape": (*SIZE, 3)}, {})
    holes = params["holes"]
    return holes[(holes[:, 2] > holes[:, 0]) & (holes[:, 3] > holes[:, 1])]


def assert_alike(theirs, ours) -> None:
    """Assert that two samples of integers, or tuples of integers, have the same distribution."""
    first, second = Counter(map(str, theirs)), Counter(map(str, ours))
    common = [v for v in first | second if first[v] + second[v] >= 20]
    if len(common) == 1:
        assert set(first) == set(second)
        return
    table = [[counter[value] for value in common] for counter in (first, second)]
    assert stats.chi2_contingency(table).pvalue > CHANCE
