"""Code that draws from the global random states draws by given numbers, and restores them."""

from __future__ import annotations

import random

import numpy as np
import torch

from cifar_lab.data.draws import global_draws


def drawn() -> tuple[float, float, float]:
    return torch.rand(()).item(), float(np.random.rand()), random.random()


def test_draws_depend_on_the_numbers_alone():
    with global_draws((1, 2)):
        first = drawn()
    drawn()
    with global_draws((1, 2)):
        again = drawn()
    with global_draws((1, 3)):
        other = drawn()
    assert first == again
    assert not set(first) & set(other)


def test_the_states_are_restored_even_after_an_error():
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    expected = drawn(), drawn()
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    before = drawn()
    try:
        with global_draws((5,)):
            drawn()
            raise ValueError
    except ValueError:
        pass
    assert (before, drawn()) == expected
