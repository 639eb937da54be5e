from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from cifar_lab.optim.eager import eager
from cifar_lab.optim.muon_optimizer import Muon

KINDS = {
    torch.optim.SGD: {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    torch.optim.Adam: {"lr": 0.1, "weight_decay": 0.01},
    torch.optim.AdamW: {"lr": 0.1, "fused": True},
    torch.optim.RMSprop: {"lr": 0.1, "centered": True},
    torch.optim.NAdam: {"lr": 0.1},
    torch.optim.ASGD: {"lr": 0.1},
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_weights_and_state_equal_those_of_torchs_class_bit_for_bit(kind):
    trained = []
    for each in (kind, eager(kind)):
        model, optimizer = fitted(each, KINDS[kind])
        trained.append([*model.parameters(), *tensors(optimizer)])
    theirs, ours = trained
    assert len(theirs) == len(ours) >= 4
    assert all(torch.equal(a, b) for a, b in zip(theirs, ours, strict=True))


def test_state_passes_to_torchs_class_and_back():
    kind, arguments = torch.optim.Adam, KINDS[torch.optim.Adam]
    model, optimizer = fitted(eager(kind), arguments)
    groups = [{"params": [model.weight]}, {"params": [model.bias]}]
    theirs = kind(copy.copy(groups), **arguments)
    theirs.load_state_dict(optimizer.state_dict())
    back = eager(kind)(copy.copy(groups), **arguments)
    back.load_state_dict(theirs.state_dict())
    for other in (theirs, back, copy.deepcopy(optimizer)):
        assert all(
            torch.equal(a, b) for a, b in zip(tensors(optimizer), tensors(other), strict=True)
        )


def test_it_is_torchs_class_by_name_and_by_kind():
    kind = eager(torch.optim.SGD)
    assert kind is eager(torch.optim.SGD)
    assert issubclass(kind, torch.optim.SGD)
    assert (kind.__module__, kind.__name__) == ("torch.optim.sgd", "SGD")


def test_hooks_of_a_step_are_called():
    seen = []
    optimizer = eager(torch.optim.SGD)(nn.Linear(2, 1).parameters(), lr=0.1)
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    optimizer.step()
    assert seen == ["before", "after"]


def test_a_step_of_the_labs_own_optimizer_records_no_gradient():
    model = nn.Linear(3, 2)
    group = {"params": list(model.parameters()), "lr": 0.1, "orthogonal": False}
    optimizer = eager(Muon)([{**group, "momentum": 0.5, "weight_decay": 0.1}], 3)
    model(torch.ones(1, 3)).sum().backward()
    before = model.weight.detach().clone()
    optimizer.step()
    assert not torch.equal(model.weight, before)
    assert model.weight.is_leaf


def test_a_step_can_be_differentiated_where_torchs_can():
    """After w = 3 - 0.1 g, the derivative of w² with respect to g is 2 w · (-0.1)."""
    for kind in (torch.optim.SGD, eager(torch.optim.SGD)):
        gradient = torch.tensor(2.0, requires_grad=True)
        weight = torch.tensor(3.0, requires_grad=True).clone()
        optimizer = kind([weight], lr=0.1, differentiable=True)
        weight.grad = gradient
        optimizer.step()
        weight.square().backward()
        assert gradient.grad.item() == pytest.approx(2 * 2.8 * -0.1)


def test_neither_an_update_nor_a_summary_imports_the_compiler():
    code = """
        import sys, torch
        from cifar_lab.models.custom_resnet import CustomResNet
        from cifar_lab.models.summary import summarise
        from cifar_lab.optim.muon_optimizer import muon
        from cifar_lab.optim.optimizers import adam, adamw, sgd
        model = CustomResNet(num_classes=3, width=4)
        for optimizer in (
            sgd(model, 0.1, 0.9, True, 0.0, True, False),
            adam(model, 0.1, (0.9, 0.99), 1e-8, 0.0, True, False),
            adamw(model, 0.1, (0.9, 0.99), 1e-8, 0.0, False, True),
            muon(model, 0.1, 0.6, 3, 0.1, 0.1, 0.85, 0.0, False),
        ):
            model(torch.ones(2, 3, 32, 32)).sum().backward()
            optimizer.step()
            optimizer.load_state_dict(optimizer.state_dict())
            optimizer.zero_grad()
        summarise(model, (32, 32))
        print("torch._dynamo" in sys.modules)
    """
    code = "\n".join(line[8:] for line in code.splitlines())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def fitted(kind, arguments):
    """A layer after three updates with a group of its own for the bias."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Linear(3, 2)
    for parameter in model.parameters():
        nn.init.normal_(parameter, generator=generator)
    optimizer = kind([model.weight], **arguments)
    optimizer.add_param_group({"params": [model.bias], "lr": 0.05})
    for _ in range(3):
        model(torch.randn(4, 3, generator=generator)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return model, optimizer


def tensors(optimizer):
    """The tensors of an optimizer's state, in order."""
    state = optimizer.state_dict()["state"]
    return [v for each in state.values() for v in each.values() if isinstance(v, torch.Tensor)]
