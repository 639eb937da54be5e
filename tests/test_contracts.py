"""What the lab supplies to optimizers, schedulers and functions, read from their signatures."""

from __future__ import annotations

import pytest
import torch
from timm.scheduler import CosineLRScheduler
from torch.optim import lr_scheduler

from cifar_lab.contracts import contract, is_optimizer, is_rate, is_timm_scheduler
from cifar_lab.optim import sgd


def rate(step: int, steps: int, *, peak: float) -> float:
    return peak * step / steps


def grey(image):
    return image


class NeedsModel(torch.optim.SGD):
    def __init__(self, model, lr):
        super().__init__(model.parameters(), lr)


class NeedsClosure(torch.optim.SGD):
    def step(self, closure):
        closure()


def test_torchs_optimizers_get_their_parameters_and_ours_the_model():
    assert contract("optimizer", torch.optim.Adam, {"model"}).supplied >= {"params", "fused"}
    assert contract("optimizer", torch.optim.Adam, {"model"}).required == {"lr"}
    assert contract("optimizer", sgd, {"model", "fused"}).supplied == {"model", "fused"}
    assert contract("optimizer", NeedsModel, {"model", "fused"}).supplied == {"model", "fused"}


def test_other_kinds_are_told_apart():
    assert is_rate(rate)
    assert not is_rate(lr_scheduler.StepLR)
    assert is_timm_scheduler(CosineLRScheduler)
    assert not is_timm_scheduler(lr_scheduler.StepLR)
    assert not is_optimizer(lr_scheduler.StepLR)


@pytest.mark.parametrize(
    ("group", "target", "told"),
    [
        ("optimizer", torch.optim.LBFGS, "closure"),
        ("optimizer", NeedsClosure, "closure"),
        ("optimizer", torch.optim.SparseAdam, "sparse"),
        ("optimizer", rate, "takes no argument model"),
        ("scheduler", sgd, "takes neither step nor the run's length"),
        ("augmentation.train.grey", grey, "ImageOnlyTransform"),
        ("scheduler", lr_scheduler.LambdaLR, "def rate"),
        ("scheduler", lr_scheduler.MultiplicativeLR, "def rate"),
        ("scheduler", lr_scheduler.ReduceLROnPlateau, "validation"),
        ("scheduler", lr_scheduler.SequentialLR, "def rate"),
        ("scheduler", lr_scheduler.ChainedScheduler, "def rate"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(group, target, told):
    assert told in (contract(group, target, set()).refused or "")


def test_a_users_own_class_of_the_same_name_is_not_refused():
    own = type("SequentialLR", (lr_scheduler.LRScheduler,), {"__module__": "mine"})
    assert contract("scheduler", own, set()).refused is None


def test_the_message_names_what_the_lab_supplies():
    terms = contract("scheduler", lr_scheduler.OneCycleLR, set())
    assert terms.supplies(["optimizer", "max_lr", "total_steps"]) == (
        "; the lab supplies optimizer and total_steps"
    )
    assert contract("mixing", rate, set()).supplies(["step"]) == ""
