from __future__ import annotations

from cifar_lab.config.signatures import node_problems


def told(node, supplied=()):
    return [text for _, text in node_problems("node", node, set(supplied))]


def test_a_fitting_node_has_no_problem():
    assert told({"_target_": "cifar_lab.optim.criteria.cross_entropy", "label_smoothing": 0}) == []


def test_an_argument_that_the_build_adds_may_not_be_given():
    node = {"_target_": "cifar_lab.models.custom_resnet.CustomResNet", "width": 8, "num_classes": 3}
    assert told(node, {"num_classes"}) == [
        "node.num_classes: CustomResNet takes no 'num_classes'; it takes: width"
    ]


def test_a_list_may_stand_for_a_tuple_and_a_string_for_no_number():
    adam = {
        "_target_": "cifar_lab.optim.optimizers.adam",
        "lr": 1,
        "betas": [0.9, 0.99],
        "eps": 1e-8,
        "weight_decay": 0,
        "decay_norms_and_biases": True,
    }
    assert told(adam, {"model", "fused"}) == []
    assert told({**adam, "lr": "1"}, {"model", "fused"}) == ["node.lr=1: must be a valid number"]


def test_nodes_within_lists_are_checked_too():
    node = {
        "_target_": "albumentations.OneOf",
        "transforms": [{"_target_": "albumentations.Blur", "blur_limitt": 3}],
    }
    (problem,) = told(node)
    assert problem.startswith("node.transforms.0.blur_limitt: Blur takes no 'blur_limitt'; did")
