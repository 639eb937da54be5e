"""Hooks are built for each run anew, draw nothing from it, and are asked what they need."""

from __future__ import annotations

import pytest

from cifar_lab import assembly
from cifar_lab.assembly import hooks as building
from cifar_lab.data.arrays import Outline
from cifar_lab.engine.seeding import random_states, same_random_states, seed_everything
from cifar_lab.hooks import GradientNorm
from cifar_lab.own_code import beside
from cifar_lab.refusal import Refusal
from tests.conftest import BESIDE

NORM = {"_target_": "cifar_lab.hooks.GradientNorm", "images": 5}


@pytest.fixture(autouse=True)
def _tests_may_be_named(monkeypatch, tmp_path):
    beside(BESIDE[1], tmp_path).make_importable()


def test_each_run_has_hooks_of_its_own():
    config = {"hooks": {"a": NORM, "b": NORM}}
    first, second = building.hooks(config), building.hooks(config)
    assert list(first) == ["a", "b"]
    assert all(isinstance(hook, GradientNorm) and hook.images == 5 for hook in first.values())
    assert len({id(hook) for built in (first, second) for hook in built.values()}) == 4
    assert building.hooks({}) == {}  # of a run that was planned before there were hooks


def test_a_hook_that_draws_when_it_is_made_draws_nothing_from_the_run():
    seed_everything(3)
    before = random_states()
    building.hooks({"hooks": {"a": {"_target_": "tests.hooks.looking.Drawing"}}})
    building.try_hook("a", {"_target_": "tests.hooks.looking.Drawing"}, Outline())
    assert same_random_states(before, random_states())


def test_every_need_is_told_with_the_name_of_the_hook():
    with pytest.raises(Refusal) as refusal:
        building.try_hook("a", {"_target_": "tests.hooks.looking.Lacking"}, Outline())
    assert refusal.value.problems == [
        "hooks.a: the moon is missing; wait for it", "hooks.a: as is the sun",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no_hook", "hooks.a: tests.hooks.looking.no_hook gives dict, but Hook is needed"),
        ("Raising", "hooks.a: RuntimeError: it cannot be made"),
    ],
)
def test_what_is_no_hook_is_a_problem_beside_those_of_other_parts(target, message):
    from cifar_lab.config.compose import Composer
    from cifar_lab.config.preflight import preflight

    config = preflight(Composer(), ["dataset=digits", "optimizer.lr=0.1"]).job()
    config["hooks"] = {"a": {"_target_": f"tests.hooks.looking.{target}"}, "b": NORM}
    config["device"] = "cuda:99"
    found = assembly.problems(config)
    assert message in found
    assert any(problem.startswith("device=cuda:99") for problem in found)
    assert len(found) == 2
    assert len(assembly.problems(config, skip={"hooks"})) == 1
