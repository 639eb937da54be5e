from __future__ import annotations

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight
from cifar_lab.config.signatures import node_problems, problems
from cifar_lab.own_code import OwnCode


def told(group, node, supplied=(), besides=()):
    return [text for _, text in node_problems(group, node, set(supplied), besides)]


def test_a_fitting_node_has_no_problem():
    assert (
        told("criterion", {"_target_": "cifar_lab.optim.cross_entropy", "label_smoothing": 0}) == []
    )


def test_an_argument_that_the_build_adds_may_not_be_given():
    node = {"_target_": "cifar_lab.models.CustomResNet", "width": 8, "num_classes": 3}
    assert told("model", node, {"num_classes"}) == [
        "model.num_classes: the lab supplies this argument of CustomResNet; remove it; its "
        "arguments are: width; the lab supplies num_classes"
    ]


def test_a_list_may_stand_for_a_tuple_and_a_string_for_no_number():
    adam = {
        "_target_": "cifar_lab.optim.adam",
        "lr": 1,
        "betas": [0.9, 0.99],
        "eps": 1e-8,
        "weight_decay": 0,
        "decay_norms_and_biases": True,
    }
    assert told("optimizer", adam, {"model", "fused"}) == []
    assert told("optimizer", {**adam, "lr": "1"}, {"model", "fused"}) == [
        "optimizer.lr=1: must be a valid number"
    ]


def test_a_node_may_hold_the_arguments_of_several():
    node = {
        "_target_": "cifar_lab.models.CustomResNet",
        "width": 0,
        "label_smoothing": 2,
        "class_weights": None,
    }
    besides = ["cifar_lab.optim.cross_entropy"]
    assert told("model", node, {"num_classes"}, besides) == [
        "model.width=0: must be greater than 0",
        "model.label_smoothing=2: must be less than 1",
    ]
    assert told("model", {"_target_": node["_target_"], "zzz": 3}, {"num_classes"}, besides) == [
        "model.zzz: CustomResNet has no argument 'zzz'; its arguments are: label_smoothing, "
        "class_weights, width; the lab supplies num_classes",
        "model.label_smoothing is missing; CustomResNet needs it",
        "model.class_weights is missing; CustomResNet needs it",
        "model.width is missing; CustomResNet needs it",
    ]


@pytest.mark.parametrize(
    ("option", "name", "number"), [("native", "Trainer", 26), ("lightning", "LightningTrainer", 29)]
)
def test_every_key_of_the_trainer_is_needed_and_held_to_its_type(option, name, number):
    config = preflight(Composer(), [f"trainer={option}"]).job()
    assert list(problems(config, OwnCode())) == []
    keys = config["trainer"].keys() - {"_target_"}
    assert len(keys) == number
    for key in keys:
        fewer = {k: v for k, v in config["trainer"].items() if k != key}
        told = list(problems(config | {"trainer": fewer}, OwnCode()))
        assert told == [(f"trainer.{key}", f"trainer.{key} is missing; {name} needs it")]
        wrong = config["trainer"] | {key: ["wrong"]}
        ((_, sentence),) = problems(config | {"trainer": wrong}, OwnCode())
        assert sentence.startswith(f'trainer.{key}=["wrong"]: must ')
    ((_, sentence),) = problems(config | {"trainer": config["trainer"] | {"plan": 3}}, OwnCode())
    assert sentence.startswith(f"trainer.plan: the lab supplies this argument of {name}")
    taken = sentence.partition("its arguments are: ")[2].partition(";")[0].split(", ")
    assert (len(taken), set(taken)) == (number, keys)


def test_nodes_within_lists_are_checked_too():
    node = {
        "_target_": "albumentations.OneOf",
        "transforms": [{"_target_": "albumentations.Blur", "blur_limitt": 3}],
    }
    (problem,) = told("augmentation", node)
    assert problem.startswith(
        "augmentation.transforms.0.blur_limitt: Blur has no argument 'blur_limitt'; did"
    )
