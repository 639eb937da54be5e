"""The criterion is built with the weights of its classes, and tried."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from cifar_lab.assembly.criteria import criterion
from cifar_lab.own_code import OwnCode
from cifar_lab.refusal import Refusal

CPU = torch.device("cpu")
OTHER_CRITERIA = [
    ({"_target_": "torch.nn.Identity"}, "takes 2 positional arguments"),
    ({"_target_": "torch.nn.MSELoss"}, "must match the size"),
    ({"_target_": "torch.nn.CrossEntropyLoss", "reduction": "none"}, r"got shape \(5,\)"),
    (
        {"_target_": "torch.nn.CrossEntropyLoss", "_partial_": True},
        "_partial_ cannot be set here; remove it",
    ),
    ({"_target_": "torch.nn.Flatten"}, "positional"),
]


@pytest.mark.parametrize(("node", "told"), OTHER_CRITERIA)
def test_a_criterion_that_gives_no_loss_is_refused(node, told):
    with pytest.raises((Refusal, TypeError, RuntimeError), match=told):
        criterion(node, 4, None, CPU)


def test_a_criterion_is_tried_with_the_classes_that_there_are():
    weights = torch.ones(3)
    node = {"_target_": "torch.nn.CrossEntropyLoss", "weight": weights}
    assert isinstance(criterion(node, 3, None, CPU), torch.nn.CrossEntropyLoss)
    with pytest.raises(Refusal, match="weight has 3 numbers, but there are 4 classes"):
        criterion(node, 4, None, CPU)
    assert isinstance(criterion(node, None, None, CPU), torch.nn.CrossEntropyLoss)


COUNTS = (10, 30, 60)
LABELS = np.repeat(np.arange(3), COUNTS)
BALANCED = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "cifar_lab.optim.cross_entropy", "label_smoothing": 0.1, "class_weights": 0},
        {"_target_": "torch.nn.CrossEntropyLoss", "label_smoothing": 0.1, "class_weights": 0},
        {"_target_": "torch.nn.CrossEntropyLoss", "label_smoothing": 0.1, "weight": 0},
        {"_target_": "torch.nn.NLLLoss", "weight": 0},
    ],
)
@pytest.mark.parametrize("given", ["balanced", [1, 2, 3.5]])
def test_weights_reach_every_criterion_of_torch(node, given):
    key = next(k for k in ("class_weights", "weight") if k in node)
    built = criterion({**node, key: given}, 3, COUNTS, CPU)
    expected = BALANCED if given == "balanced" else given
    assert built.weight.dtype == torch.float32
    np.testing.assert_allclose(built.weight.numpy(), expected, rtol=1e-6)


def test_without_weights_all_classes_count_alike():
    node = {"_target_": "cifar_lab.optim.cross_entropy", "label_smoothing": 0.0}
    for more in ({}, {"class_weights": None}):
        assert criterion({**node, **more}, 3, COUNTS, CPU).weight is None
    assert criterion({**node, "class_weights": "balanced"}, 3, None, CPU).weight.tolist() == [1] * 3


@pytest.mark.parametrize("key", ["class_weights", "weight"])
def test_a_wrong_number_of_weights_is_told_with_both_counts(key):
    node = {"_target_": "torch.nn.CrossEntropyLoss", key: [1, 2]}
    with pytest.raises(Refusal, match=f"criterion.{key} has 2 numbers, but there are 3 classes"):
        criterion(node, 3, COUNTS, CPU)


OWN = """
from torch import nn
class Plain(nn.CrossEntropyLoss):
    def __init__(self): super().__init__()
class Weighted(nn.CrossEntropyLoss):
    def __init__(self, class_weights): super().__init__(); self.given = class_weights
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_losses.py").write_text(OWN)
    OwnCode((folder,)).make_importable()
    yield "own_losses"
    sys.modules.pop("own_losses", None)
    sys.path.remove(str(folder))


def test_a_users_own_criterion_gets_numbers_if_it_takes_them(own):
    node = {"_target_": f"{own}.Weighted", "class_weights": "balanced"}
    built = criterion(node, 3, COUNTS, CPU)
    assert isinstance(built, nn.Module)
    assert built.given == pytest.approx(BALANCED)
    assert criterion({**node, "class_weights": None}, 3, COUNTS, CPU).given is None
    plain = {"_target_": f"{own}.Plain", "class_weights": None}
    assert isinstance(criterion(plain, 3, COUNTS, CPU), nn.Module)
    with pytest.raises(Refusal, match=r"own_losses\.Plain takes none"):
        criterion({**plain, "class_weights": [1, 2, 3]}, 3, COUNTS, CPU)
