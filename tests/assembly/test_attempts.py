"""What is tried is tried once, and leaves the random states as if it had been tried again."""

from __future__ import annotations

import random
import resource
from pathlib import Path

import pytest
import torch

from cifar_lab.assembly import attempts as module
from cifar_lab.assembly.attempts import Attempts, Tried
from cifar_lab.engine.seeding import random_states, seed_everything
from cifar_lab.refusal import Refusal


class Counted:
    """Makes a part of what it is given, and counts."""

    def __init__(self, make=lambda *given: list(given)):
        self.calls, self._make = 0, make

    def __call__(self, *given):
        self.calls += 1
        return self._make(*given)


def attempt(tried, make, *inputs, name="part", needs=(), wrong=()):
    attempts = Attempts(tried, set(wrong))
    return attempts(name, make, lambda: list(inputs), needs), attempts


@pytest.mark.parametrize(
    ("one", "other", "built"),
    [
        (({"a": 1, "b": [2]},), ({"a": 1, "b": [2]},), 1),
        (({"a": 1, "b": 2},), ({"b": 2, "a": 1},), 2),  # of steps, the order counts
        (({"a": 1},), ({"a": 1.0},), 2),
        (({"a": 0},), ({"a": False},), 2),
        (({"a": 1}, (32, 32)), ({"a": 1}, (8, 8)), 2),
        (({"a": 1}, None), ({"a": 1}, None), 1),
    ],
)
def test_a_part_is_built_once_from_the_same_inputs(one, other, built):
    tried, make = Tried(), Counted()
    first, second = (attempt(tried, make, *inputs)[0] for inputs in (one, other))
    assert make.calls == built
    assert (first is second) == (built == 1)
    assert second == list(other)


def test_a_node_that_is_changed_afterwards_is_another():
    tried, make, node = Tried(), Counted(lambda node: dict(node)), {"download": True}
    attempt(tried, make, node)
    node["download"] = False
    assert attempt(tried, make, node)[0] == {"download": False}


def test_another_model_is_another_input_however_alike():
    tried, make = Tried(), Counted()
    model = torch.nn.Linear(1, 1)
    for given in (model, model, torch.nn.Linear(1, 1)):
        attempt(tried, make, given)
    assert make.calls == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Refusal(["one  thing", "another\nthing"]), ["one thing", "another thing"]),
        (ValueError("a bad\n  value"), ["part: a bad value"]),
        (UserWarning("ignored"), ["part: ignored"]),
    ],
)
def test_what_is_wrong_is_told_each_time_and_tried_once(error, told):
    def refuse(*_):
        raise error

    tried, make = Tried(), Counted(refuse)
    for _ in range(2):
        part, attempts = attempt(tried, make, 1)
        assert (part, attempts.problems, attempts.parts) == (None, told, {})
    assert make.calls == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError("seed"), "part: KeyError: 'seed'"),
        (RuntimeError("two\n  lines"), "part: RuntimeError: two lines"),
        (AttributeError(), "part: AttributeError"),
        (MemoryError("9 GiB"), "part: MemoryError: 9 GiB"),
        (ValueError("x" * 400), f"part: {'x' * 300}…"),
    ],
)
def test_whatever_a_part_raises_is_a_problem_of_its_key(error, told):
    def fail():
        raise error

    part, attempts = attempt(Tried(), fail)
    assert (part, attempts.problems) == (None, [told])


def test_an_interruption_is_not_a_problem():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(Tried(), interrupted)


@pytest.mark.skipif(not Path("/proc/meminfo").is_file(), reason="needs Linux")
def test_more_memory_than_the_machine_has_left_is_refused_at_once():
    left = next(
        1024 * int(line.split()[1])
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemAvailable")
    )
    before = resource.getrlimit(resource.RLIMIT_DATA)
    _, attempts = attempt(Tried(), lambda: bytearray(left + 2**31))
    assert attempts.problems == ["part: MemoryError"]
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert attempt(Tried(), lambda: bytearray(2**20))[1].problems == []


def test_what_needs_a_wrong_part_is_not_attempted_and_wrong_itself():
    attempts = Attempts(Tried(), {"trainer"})
    make = Counted()
    asked = []
    assert attempts("place", make, lambda: asked.append(1) or [], ("trainer",)) is None
    assert attempts("model", make, lambda: asked.append(2) or [], ("place",)) is None
    assert attempts("trainer", make, lambda: asked.append(3) or []) is None
    assert (make.calls, asked, attempts.problems) == (0, [], [])
    assert attempts("mixing", make, lambda: [4]) == [4]
    assert attempts.parts == {"mixing": [4]}


@pytest.mark.parametrize(
    ("error", "told"),
    [(Refusal("no file there"), "no file there"), (KeyError("x"), "dataset: KeyError: 'x'")],
)
def test_inputs_that_cannot_be_told_are_a_problem_of_the_part(error, told):
    def inputs():
        raise error

    attempts = Attempts(Tried(), set())
    assert attempts("dataset", Counted(), inputs) is None
    assert attempts.problems == [told]


def test_what_is_drawn_after_a_part_that_was_tried_is_what_building_it_again_would_leave():
    def drawn(*tries):
        """The parts and what is drawn after them, of one after the other."""
        tried, found = Tried(), []
        for reuse in tries:
            random.random()  # whatever came before
            seed_everything(7)
            found = [attempt(tried if reuse else Tried(), draw, name=n)[0] for n in "ab"]
        return found, random.random(), torch.rand(2).tolist()

    def draw():
        return random.random(), torch.rand(3).tolist()

    assert drawn(True, True) == drawn(False) == drawn(True, True, True)


def test_a_part_that_was_the_first_to_use_cuda_leaves_what_it_drew_there(monkeypatch):
    states, restored = random_states(), []
    cuda = [[], [torch.ones(4)], [torch.zeros(4)]]  # not used yet; drawn from; seeded again
    monkeypatch.setattr(module, "random_states", lambda: states | {"cuda": cuda.pop(0)})
    monkeypatch.setattr(module, "restore_random_states", restored.append)
    tried, make = Tried(), Counted()
    for _ in range(2):
        attempt(tried, make)
    assert make.calls == 1
    assert [state["cuda"][0].tolist() for state in restored] == [[1.0] * 4]


def test_a_part_that_would_draw_other_numbers_now_is_built_again():
    tried, make = Tried(), Counted(random.random)
    found = []
    for seed in (1, 2, 1):
        seed_everything(seed)
        found.append(attempt(tried, make)[0])
    assert found == [random.Random(1).random(), random.Random(2).random(), found[0]]
    assert make.calls == 2
