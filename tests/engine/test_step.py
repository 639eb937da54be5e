"""The step: when it uses the compiled model, how rates reach groups, and captured results."""

from __future__ import annotations

import copy
import functools

import pytest
import torch
from torch import nn

from cifar_lab.data.loaders import Batch
from cifar_lab.data.mixing import MixedBatch
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.state import TrainingState
from cifar_lab.engine.step import (
    CapturedStep,
    EagerStep,
    StepResult,
    _Captured,
    freeze,
    set_learning_rate,
)
from tests.engine.plans import make_plan

CPU = torch.device("cpu")


def test_only_whole_batches_run_the_compiled_form(monkeypatch):
    """A different size would trigger a recompilation for a single batch per epoch."""
    calls = []
    model = net()

    def compiled(images):
        calls.append(len(images))
        return model(images)

    monkeypatch.setattr(torch, "compile", lambda model, dynamic: compiled)
    step = eager(model, compile=True)
    for size in (4, 3, 4):
        step(batch(size), 1.0, 0.1)
    assert calls == [4, 4]


def test_gradients_wait_for_the_step_that_ends_the_group():
    model = net()
    step = eager(model)
    before = model[1].weight.detach().clone()
    step(batch(4), 0.5, None)
    assert torch.equal(model[1].weight, before)
    assert model[1].weight.grad is not None
    step(batch(4, seed=1), 0.5, 0.1)
    assert not torch.equal(model[1].weight, before)
    assert model[1].weight.grad is None


def test_two_halves_make_the_update_of_the_whole():
    whole, halves = net(), net()
    both = [batch(4, seed) for seed in (0, 1)]
    together = Batch(*(torch.cat(parts) for parts in zip(*both, strict=True)))
    eager(whole)(together, 1.0, 0.1)
    step = eager(halves)
    step(both[0], 0.5, None)
    step(both[1], 0.5, 0.1)
    torch.testing.assert_close(halves[1].weight, whole[1].weight)


@pytest.mark.parametrize("as_tensor", [False, True])
def test_each_group_has_the_learning_rate_times_its_scale(as_tensor):
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr_scale": 2.0}]
    groups.append({"params": [nn.Parameter(torch.zeros(1))]})
    optimizer = torch.optim.SGD(groups, lr=1.0)
    if as_tensor:
        for group in optimizer.param_groups:
            group["lr"] = torch.tensor(1.0)
    held = [group["lr"] for group in optimizer.param_groups]
    set_learning_rate(optimizer, 0.25)
    assert [float(group["lr"]) for group in optimizer.param_groups] == [0.5, 0.25]
    if as_tensor:  # updated in place, where a graph reads it
        assert [group["lr"] for group in optimizer.param_groups] == held


def test_the_result_is_loss_and_hits_of_the_batch():
    model = net()
    given = batch(4)
    with torch.no_grad():
        logits = model(given.images)
    result = eager(model)(given, 1.0, 0.1)
    torch.testing.assert_close(result.loss, nn.functional.cross_entropy(logits, given.labels))
    assert int(result.hits) == int((logits.argmax(1) == given.labels).sum())
    assert not result.loss.requires_grad


def test_hits_of_a_mixed_batch_are_those_of_the_larger_parts_label():
    model = net()
    given = mixed(4)
    with torch.no_grad():
        logits = model(given.images)
    result = eager(model)(given, 1.0, 0.1)
    assert int(result.hits) == int((logits.argmax(1) == given.labels).sum())
    larger = nn.functional.cross_entropy(logits, given.labels)
    rest = nn.functional.cross_entropy(logits, given.partners)
    torch.testing.assert_close(result.loss, 0.7 * larger + 0.3 * rest)


def test_a_graph_reads_every_part_of_the_batch_that_it_is_replayed_for():
    inputs, given = mixed(4), mixed(4, seed=1)
    seen = []

    class Graph:
        def replay(self):
            seen.extend(part.clone() for part in inputs)

    nothing = torch.zeros(())
    _Captured(Graph(), inputs, StepResult(nothing, nothing)).replay(given)
    for found, expected in zip(seen, given, strict=True):
        assert torch.equal(found, expected)


def test_parameters_are_frozen_when_their_time_is_over():
    model = net()
    model.add_module("head", nn.Linear(3, 3))
    after = {"1.": 2, "head.bias": 3}
    trained = lambda: {name for name, p in model.named_parameters() if p.requires_grad}  # noqa: E731
    assert not freeze(model, after, epoch=1)
    assert trained() == {"1.weight", "1.bias", "head.weight", "head.bias"}
    model[1].weight.grad = torch.ones(3, 12)
    assert freeze(model, after, epoch=2)
    assert model[1].weight.grad is None  # or momentum would keep updating it
    assert trained() == {"head.weight", "head.bias"}
    assert not freeze(model, after, epoch=2)
    assert freeze(model, after, epoch=7)  # a resumed run may have skipped that epoch
    assert trained() == {"head.weight"}


def test_frozen_weights_stay_and_the_others_are_trained():
    model = net()
    model.insert(2, nn.Linear(3, 3))
    step = eager(model)
    step(batch(4), 1.0, 0.1)
    frozen, trained = model[1].weight.detach().clone(), model[2].weight.detach().clone()
    freeze(model, {"1.": 1}, epoch=1)
    step(batch(4, seed=1), 1.0, 0.1)
    assert torch.equal(model[1].weight, frozen)
    assert not torch.equal(model[2].weight, trained)


def test_the_compiled_model_is_compiled_once(monkeypatch):
    """Batches of a different size, at the end of every epoch, run eagerly."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    monkeypatch.setattr(torch._dynamo.config, "error_on_recompile", True)
    model = net()
    plain, compiled = eager(copy.deepcopy(model)), eager(model, compile=True)
    for number, size in enumerate((4, 4, 3, 4, 4, 3)):
        given = batch(size, seed=number)
        expected, found = plain(given, 1.0, 0.1), compiled(given, 1.0, 0.1)
        torch.testing.assert_close(found.loss, expected.loss)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("mixing", [False, True])
def test_captured_steps_equal_eager_ones(mixing):
    device, kind = torch.device("cuda"), mixed if mixing else batch
    batches = [kind(4, seed) for seed in range(6)] + [kind(3, seed=9)] + [kind(4, seed=10)]
    results = []
    for captured in (False, True):
        model = copy.deepcopy(net()).to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
        learner = Learner(model, nn.CrossEntropyLoss(), device, "float32", False)
        step = EagerStep(learner, TrainingState(model, optimizer, None, device), make_plan())
        if captured:
            step = CapturedStep(step, 4)
        losses = [
            step(each._make(p.to(device) for p in each), 1.0, 0.1 / (1 + number)).loss.item()
            for number, each in enumerate(batches)
        ]
        results.append((losses, model[1].weight.detach().cpu()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    torch.testing.assert_close(results[0][1], results[1][1])


def test_steps_with_a_momentum_of_their_own_are_never_captured(monkeypatch):
    """A graph would replay the momentum with which it was captured."""
    monkeypatch.setattr(torch.cuda, "Stream", lambda: None)
    models = [net(), net()]
    plain, step = eager(models[0]), CapturedStep(eager(models[1]), 4)
    for number in range(2 * CapturedStep.WARM_UP):
        for each in (plain, step):
            each(batch(4, number), 1.0, 0.1, 0.5 + number / 20)
    assert torch.equal(models[1][1].weight, models[0][1].weight)
    assert (step._warmed_up, step._captured) == (0, None)
    assert step._eager.state.optimizer.param_groups[0]["momentum"] == 0.75


def eager(model: nn.Module, **changes) -> EagerStep:
    optimizer = torch.optim.SGD(model.parameters(), lr=9.0)
    learner = Learner(model, nn.CrossEntropyLoss(), CPU, "float32", False)
    return EagerStep(learner, TrainingState(model, optimizer, None, CPU), make_plan(**changes))


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 3))


def batch(size: int, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(size, 3, 2, 2, generator=generator)
    return Batch(images, torch.randint(0, 3, (size,), generator=generator))


def mixed(size: int, seed: int = 0) -> MixedBatch:
    images, labels = batch(size, seed)
    return MixedBatch(images, labels, labels.roll(1), torch.tensor(0.7 + seed / 100))
