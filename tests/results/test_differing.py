"""What distinguishes configurations, and how these are named."""

from __future__ import annotations

from cifar_lab.results.differing import differing, letters, names
from tests.results.compared_runs import a_config


def configs(*changes: dict) -> list[dict]:
    return [a_config(number, each) for number, each in enumerate(changes)]


def test_only_what_defines_the_experiment_differs():
    places = {"dataset.root": "/here", "device": "cuda", "evaluate_test": True}
    places |= {"hooks": {"norm": {"_target_": "cifar_lab.hooks.GradientNorm", "images": 8}}}
    found = differing(configs({"optimizer.lr": 0.1}, {"optimizer.lr": 0.2} | places))
    assert [(each.key, each.values) for each in found] == [("optimizer.lr", ("0.1", "0.2"))]


def test_nodes_with_different_targets_are_one_difference():
    other = {"_target_": "cifar_lab.models.ResNet18", "pool": [2, 3], "stem": {"_target_": "x.Y"}}
    (found,) = differing(configs({}, {"model": other}))
    assert found.key == "model"
    assert found.values == ("CustomResNet(width=8)", "ResNet18(pool=[2, 3], stem=Y())")
    assert names([found], 2) == ["model=CustomResNet", "model=ResNet18"]


def test_a_call_is_shown_where_its_name_tells_nothing():
    nodes = [{"_target_": f"x.{name}", "a": a} for name, a in (("A", 1), ("A", 2), ("B", 1))]
    (found,) = differing(configs(*({"model": node} for node in nodes)))
    assert names([found], 3) == ["model=A(a=1)", "model=A(a=2)", "model=B(a=1)"]


def test_a_missing_step_is_absent():
    found = differing(configs({}, {"augmentation.train": {}}))
    assert names(found, 2) == ["flip=HorizontalFlip", "flip=absent"]


def test_a_name_states_all_of_two_keys_and_of_more_what_the_first_has_not():
    changes = [{}, {"optimizer.lr": 0.2}, {"optimizer.momentum": 0.5}, {"model.width": 4}]
    assert names(differing(configs(*changes[:3])), 3) == [
        "lr=0.1, momentum=0.9",
        "lr=0.2, momentum=0.9",
        "lr=0.1, momentum=0.5",
    ]
    assert names(differing(configs(*changes)), 4) == [
        "baseline",
        "lr=0.2",
        "momentum=0.5",
        "width=4",
    ]


def test_keys_that_end_alike_are_whole():
    found = differing(configs({}, {"optimizer.lr": 0.2, "criterion.lr": 1}))
    assert names(found, 2)[1] == "optimizer.lr=0.2, criterion.lr=1"


def test_long_or_equal_names_become_letters():
    long = {"dataset": {"_target_": "x.Other", "root": "a" * 60}}
    nodes = [{"model": {"_target_": "x.A", "note": "z" * 50 + str(n)}} for n in range(2)]
    assert names(differing(configs(*nodes)), 2) == ["A", "B"]
    assert names(differing(configs({}, long, {})), 3) == ["A", "B", "C"]
    assert [letters(n) for n in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip


def test_the_experiments_name_is_not_repeated_where_values_differ():
    both = configs({"name": "a"}, {"name": "b", "optimizer.lr": 1})
    assert names(differing(both), 2) == ["lr=0.1", "lr=1"]
    assert names(differing(configs({"name": "a"}, {"name": "b"})), 2) == ["name=a", "name=b"]
