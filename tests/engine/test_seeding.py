"""Seeds and random states reproduce the same draws."""

from __future__ import annotations

import io
import random

import pytest
import torch

from cifar_lab.engine.seeding import (
    random_states,
    restore_random_states,
    same_random_states,
    seed_everything,
)


def test_the_same_seed_gives_the_same_draws():
    seed_everything(3)
    first = draws()
    seed_everything(3)
    assert draws() == first


def test_another_seed_gives_other_draws_from_both_sources():
    seed_everything(0)
    (python, gauss, tensor) = draws()
    seed_everything(1)
    (other_python, other_gauss, other_tensor) = draws()
    assert python != other_python
    assert gauss != other_gauss
    assert tensor != other_tensor


def test_saved_states_give_the_same_draws_again():
    seed_everything(0)
    random.gauss(0, 1)  # Python caches the second of a pair of normal draws as part of the state
    buffer = io.BytesIO()
    torch.save(random_states(), buffer)
    expected = draws()
    seed_everything(1)
    buffer.seek(0)
    restore_random_states(torch.load(buffer, weights_only=True))
    assert draws() == expected


def test_states_that_were_taken_do_not_move_with_later_draws():
    states = random_states()
    expected = draws()
    draws()
    restore_random_states(states)
    assert draws() == expected


@pytest.mark.parametrize("draw", [random.random, lambda: random.gauss(0, 1), lambda: torch.rand(1)])
def test_states_are_the_same_until_something_is_drawn(draw):
    seed_everything(2)
    before = random_states()
    assert same_random_states(before, random_states())
    draw()
    assert not same_random_states(before, random_states())
    seed_everything(2)
    assert same_random_states(before, random_states())


def test_a_cuda_device_counts_from_its_first_use_on():
    states = random_states() | {"cuda": []}
    used, drawn = states | {"cuda": [torch.zeros(16)]}, states | {"cuda": [torch.ones(16)]}
    assert same_random_states(states, used)
    assert not same_random_states(drawn, used)


def draws() -> tuple[float, float, list[float]]:
    return random.random(), random.gauss(0, 1), torch.rand(3).tolist()
