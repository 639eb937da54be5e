"""The plan's numbers, compared with counting image by image and batch by batch."""

from __future__ import annotations

import dataclasses

import pytest

from tests.engine.plans import make_plan


@pytest.mark.parametrize("images", [1, 4, 59, 60, 61, 121])
@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize(("batch_size", "accumulate_batches"), [(1, 1), (5, 1), (4, 3)])
def test_an_epochs_steps_are_those_that_its_images_are_dealt_to(
    batch_size, accumulate_batches, processes, images
):
    plan = make_plan(batch_size=batch_size, accumulate_batches=accumulate_batches)
    hands: list[int] = []
    room = 0
    for _ in range(images):
        if room == 0:
            hands.append(0)
            room = sum(batch_size for _ in range(accumulate_batches) for _ in range(processes))
        hands[-1] += 1
        room -= 1
    assert plan.steps_per_epoch(images, processes) == len(hands)
    if len(hands) > 1:
        assert plan.images_per_step(processes) == hands[0]


@pytest.mark.parametrize("batches", [1, 2, 3, 7, 9])
@pytest.mark.parametrize("accumulate_batches", [1, 2, 3, 10])
def test_the_batches_of_a_step_are_those_since_the_last_update(accumulate_batches, batches):
    plan = make_plan(accumulate_batches=accumulate_batches)
    steps: list[list[int]] = []
    waiting: list[int] = []
    for batch in range(batches):
        waiting.append(batch)
        if len(waiting) == accumulate_batches or batch == batches - 1:
            steps.append(waiting)
            waiting = []
    for step in steps:
        for batch in step:
            assert list(plan.batches_of_step(batch, batches)) == step


def test_an_epoch_has_the_size_of_the_last_pair_that_it_has_reached():
    plan = make_plan(epochs=6, image_sizes=((0, 16), (2, 24), (3, 32)))
    assert [plan.image_size(epoch) for epoch in range(6)] == [16, 16, 24, 32, 32, 32]
    assert [plan.resizes_at(epoch) for epoch in range(6)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert make_plan().image_size(3) is None
    assert not make_plan().resizes_at(3)


def test_limits_shorten_and_never_lengthen():
    plan = make_plan(epochs=5)
    assert (plan.epochs_to_train, plan.batches_to_train(7)) == (5, 7)
    shorter = dataclasses.replace(plan, limit_epochs=2, limit_batches=3)
    assert (shorter.epochs_to_train, shorter.batches_to_train(7)) == (2, 3)
    assert shorter.epochs == 5
    longer = dataclasses.replace(plan, limit_epochs=9, limit_batches=8)
    assert (longer.epochs_to_train, longer.batches_to_train(7)) == (5, 7)
