"""Policies: torchvision's ranges, and draws as in the papers, through the stack."""

from __future__ import annotations

import albumentations as A
import numpy as np
import pytest
from scipy import stats
from torchvision.transforms import autoaugment

from cifar_lab.data.augment import PadAndCrop
from cifar_lab.data.batch_augment import AugmentationStack
from cifar_lab.data.policies import RANDAUGMENT, STRONGEST, TRIVIAL, rand_augment, trivial_augment

FILL = [125, 123, 114]
COUNT, SIDE = 40, 32
POLICIES = {
    "randaugment": lambda: rand_augment(2, 9, FILL),
    "trivial": lambda: trivial_augment(FILL),
}
TORCHVISION = {
    "randaugment": (RANDAUGMENT, autoaugment.RandAugment(), (STRONGEST + 1, (SIDE, SIDE))),
    "trivial": (TRIVIAL, autoaugment.TrivialAugmentWide(), (STRONGEST + 1,)),
}


@pytest.mark.parametrize("policy", TORCHVISION)
def test_operations_and_strengths_are_torchvisions(policy):
    ours, theirs, arguments = TORCHVISION[policy]
    space = theirs._augmentation_space(*arguments)
    assert {name.replace("_", "") for name in ours} == {name.lower() for name in space}
    for name, strengths in ours.items():
        magnitudes, signed = next(
            value for key, value in space.items() if key.lower() == name.replace("_", "")
        )
        assert strengths.signed == signed
        found = np.array([strengths.at(level) for level in range(STRONGEST + 1)])
        if name.startswith("translate"):
            found = found * SIDE
        if name == "posterize":
            found = 8 - np.round(found)
        expected = np.broadcast_to(magnitudes.numpy(), found.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_randaugment_draws_operations_with_repetition_in_any_order(monkeypatch):
    drawn = operations_of(lambda: rand_augment(3, 9, FILL), 2000, monkeypatch)
    assert {len(each) for each in drawn} == {3}
    for place in range(3):
        assert_uniform([each[place][0] for each in drawn], RANDAUGMENT)
    names = [tuple(name for name, _ in each) for each in drawn]
    assert any(len(set(each)) < 3 for each in names)
    first_two = {each[:2] for each in names}
    assert any(pair[::-1] in first_two for pair in first_two if pair[0] != pair[1])


def test_randaugment_has_one_strength_in_both_directions(monkeypatch):
    images = operations_of(POLICIES["randaugment"], 1000, monkeypatch)
    drawn = [pair for pairs in images for pair in pairs]
    for name, strengths in RANDAUGMENT.items():
        found = {strength for each, strength in drawn if each == name}
        strength = strengths.at(9)
        assert found == ({strength, -strength} if strengths.signed else {strength})


def test_trivial_draws_one_operation_at_any_strength(monkeypatch):
    drawn = operations_of(POLICIES["trivial"], 6000, monkeypatch)
    assert {len(each) for each in drawn} == {1}
    assert_uniform([each[0][0] for each in drawn], TRIVIAL)
    rotations = [each[0][1] for each in drawn if each[0][0] == "rotate"]
    levels = np.round(np.array(rotations) / 135 * STRONGEST).astype(int)
    assert_uniform(abs(levels).tolist(), range(STRONGEST + 1))
    assert stats.binomtest(int((levels > 0).sum()), int((levels != 0).sum())).pvalue > 1e-4


@pytest.mark.parametrize("policy", POLICIES)
def test_the_stack_runs_up_to_the_policy_image_by_image_and_names_it(policy):
    made = stack(policy)
    assert made.last_without_batched_form == policy
    assert (len(made.images), len(made.batches)) == (3, 0)
    assert f"up to '{policy}', which has no batched form" in made.described(2)


@pytest.mark.parametrize("policy", POLICIES)
def test_draws_follow_from_seed_epoch_and_image(policy):
    images = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
    made, again = stack(policy), stack(policy)
    for row in reversed(range(COUNT)):  # a different order
        again.one(images[row], 0, row)
    assert all(
        (made.one(images[row], 1, row) == again.one(images[row], 1, row)).all()
        for row in range(COUNT)
    )
    one = np.stack([images[0]] * COUNT)
    seen = {
        each.one(one[row], epoch, row).tobytes()
        for each in (made, stack(policy, seed=1))
        for epoch in (0, 1)
        for row in range(COUNT)
    }
    assert len(seen) > 0.8 * 4 * COUNT  # some draw only the identity


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("shape", [(8, 8, 3), (32, 20, 3)])
def test_images_keep_shape_and_dtype(policy, shape):
    step = A.Compose([POLICIES[policy]()], strict=True, seed=0)
    given = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for _ in range(100):
        found = step(image=given)["image"]
        assert (found.dtype, found.shape) == (np.uint8, shape)


def operations_of(make, draws: int, monkeypatch) -> list[list[tuple[str, float]]]:
    """The operations and strengths applied to each of several images."""
    applied: list[tuple[str, float]] = []

    def note(self, img, strength, **_):
        applied.append((self.name, strength))
        return img

    monkeypatch.setattr("cifar_lab.data.operations.Operation.apply", note)
    policy = A.Compose([make()], seed=0)
    drawn = []
    for _ in range(draws):
        policy(image=np.zeros((2, 2, 3), np.uint8))
        drawn.append(list(applied))
        applied.clear()
    return drawn


def assert_uniform(values, possible) -> None:
    counts = [values.count(value) for value in possible]
    assert sum(counts) == len(values)
    assert stats.chisquare(counts).pvalue > 1e-4


def stack(policy: str, seed: int = 0) -> AugmentationStack:
    steps = {"crop": PadAndCrop(4, "reflect", p=1.0), "flip": A.HorizontalFlip(p=0.5)}
    steps[policy] = POLICIES[policy]()
    return AugmentationStack(steps, seed, COUNT, (SIDE, SIDE), lowered=True)
