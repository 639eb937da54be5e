"""The training state: its contents, and a complete round trip through a checkpoint's bytes."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import nn

from cifar_lab.engine.state import TrainingState, evaluated_weights, warmed_up
from cifar_lab.engine.step import set_momentum

CPU = torch.device("cpu")


def test_a_fresh_state_stands_at_the_beginning():
    state = make_state(seed=0)
    assert (state.epoch, state.batches_done) == (0, 0)
    assert (state.train_seconds, state.elapsed_seconds) == (0.0, 0.0)
    assert state.stopped is None
    assert state.best is None
    assert state.train_metrics.count == 0


def test_a_completed_epoch_is_counted_and_its_sums_are_reset():
    state = make_state(seed=0)
    trained(state)  # after 3 epochs and 4 batches, 20.25 seconds
    state.begin_next_epoch(epoch_seconds=2.5)
    assert (state.epoch, state.batches_done, state.train_seconds) == (4, 0, 0.0)
    assert state.elapsed_seconds == 22.75
    assert state.train_metrics.count == 0


@pytest.mark.parametrize(
    ("updates", "expected"), [(0, 0.1), (1, 2 / 11), (22, 23 / 32), (10**9, 0.9999)]
)
def test_the_decay_warms_up_as_tensorflows(updates, expected):
    assert warmed_up(0.9999, updates) == pytest.approx(expected, abs=1e-12)


def test_a_short_run_does_not_average_its_initial_weights():
    state = make_state(seed=0, ema_decay=0.9999)
    initial = state.model[1].weight.detach().clone()
    with torch.no_grad():
        for _ in range(22):
            state.model[1].weight.add_(1)
            state.update_average()
    shares = (state.evaluated_model[1].weight - initial) / 22
    assert 0.8 < shares.mean() < 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("averaged", [False, True])
def test_what_is_not_finite_is_named(bad, averaged):
    state = make_state(seed=0, ema_decay=0.5 if averaged else None)
    assert state.not_finite() is None
    with torch.no_grad():
        (state.evaluated_model if averaged else state.model)[1].bias[1] = bad
    assert state.not_finite() == "the weight 1.bias"


def test_a_running_statistic_that_is_not_finite_is_named():
    model = torch.nn.BatchNorm1d(3)
    state = TrainingState(model, torch.optim.SGD(model.parameters(), lr=0.1), None, CPU)
    model.running_var[0] = float("inf")
    assert state.not_finite() == "the statistic running_var"


@pytest.mark.parametrize("ema_decay", [None, 0.5])
def test_everything_comes_back_from_the_bytes_of_a_checkpoint(ema_decay):
    state = make_state(seed=0, ema_decay=ema_decay)
    trained(state)
    contents = saved_and_read(state)
    expected = torch.rand(4)
    other = make_state(seed=1, ema_decay=ema_decay)
    other.load_state_dict(contents)
    assert torch.equal(torch.rand(4), expected)
    assert_same(other.model.state_dict(), state.model.state_dict())
    assert_same(other.evaluated_model.state_dict(), state.evaluated_model.state_dict())
    for mine, theirs in zip(
        other.optimizer.state_dict()["state"].values(),
        state.optimizer.state_dict()["state"].values(),
        strict=True,
    ):
        assert_same(mine, theirs)
    assert other.optimizer.param_groups[0]["lr"] == 0.125
    assert (other.epoch, other.batches_done) == (3, 4)
    assert (other.train_seconds, other.elapsed_seconds) == (1.5, 20.25)
    assert (other.stopped, other.failed) == ("time was up", True)
    assert other.state_dict()["averaged"] == (0 if ema_decay is None else 2)
    assert other.best == {"epoch": 2, "val_loss": 0.5, "val_accuracy": 0.75}
    assert other.train_metrics.result() == state.train_metrics.result()


def test_a_checkpoint_holds_plain_values_and_tensors_only():
    # torch.load(weights_only=True) would refuse anything else.
    state = make_state(seed=0, ema_decay=0.5)
    trained(state)
    contents = saved_and_read(state)
    assert all(type(key) is str for key in contents)


def test_evaluation_uses_the_model_where_there_is_no_average():
    state = make_state(seed=0)
    assert state.evaluated_model is state.model
    assert_same(evaluated_weights(state.state_dict()), state.model.state_dict())


def test_evaluation_uses_the_average_where_there_is_one():
    state = make_state(seed=0, ema_decay=0.5)
    trained(state)
    average = state.evaluated_model
    assert average is not state.model
    assert not torch.equal(average[1].weight, state.model[1].weight)
    assert_same(evaluated_weights(state.state_dict()), average.state_dict())
    assert not average.training


def make_state(seed: int, ema_decay: float | None = None) -> TrainingState:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))
    return TrainingState(model, torch.optim.Adam(model.parameters(), lr=0.1), ema_decay, CPU)


def trained(state: TrainingState) -> None:
    """Change everything in a state from its initial value."""
    for _ in range(2):
        loss = state.model(torch.randn(4, 3)).square().mean()
        loss.backward()
        state.optimizer.param_groups[0]["lr"] = 0.125
        state.optimizer.step()
        state.optimizer.zero_grad()
        state.update_average()
        state.train_metrics.update(loss, torch.tensor(1), 2, step=0)
    state.epoch, state.batches_done = 3, 4
    state.train_seconds, state.elapsed_seconds = 1.5, 20.25
    state.stopped, state.failed = "time was up", True
    state.best = {"epoch": 2, "val_loss": 0.5, "val_accuracy": 0.75}


def saved_and_read(state: TrainingState) -> dict[str, Any]:
    buffer = io.BytesIO()
    torch.save(state.state_dict(), buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def assert_same(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert actual.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in actual.items())


def test_an_extended_run_does_not_begin_with_a_momentum_that_the_earlier_schedule_had_cycled():
    parent, child = make_state(seed=0), make_state(seed=1)
    trained(parent)
    set_momentum(parent.optimizer, 0.95)
    child.extend(parent.state_dict())
    assert [group["betas"] for group in child.optimizer.param_groups] == [(0.9, 0.999)]


def test_an_extended_run_continues_what_was_computed_and_not_how_it_went():
    parent = make_state(seed=0, ema_decay=0.5)
    trained(parent)
    parent.best, parent.stopped = {"epoch": 2}, "reached the time limit"
    for group in parent.optimizer.param_groups:
        group["weight_decay"] = 0.25
    child = make_state(seed=1, ema_decay=0.5)
    for group in child.optimizer.param_groups:
        group["weight_decay"] = 0.75
    child.extend(parent.state_dict())
    assert child.epoch == parent.epoch
    for module, other in (("model", "model"), ("evaluated_model",) * 2):
        states = [getattr(s, n).state_dict() for s, n in ((child, module), (parent, other))]
        assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    moments = [s.optimizer.state_dict()["state"] for s in (child, parent)]
    assert moments[0]
    assert all(
        torch.equal(torch.as_tensor(value), torch.as_tensor(moments[1][number][key]))
        for number, kept in moments[0].items()
        for key, value in kept.items()
    )
    assert {group["weight_decay"] for group in child.optimizer.param_groups} == {0.75}
    assert (child.best, child.stopped, child.failed) == (None, None, False)
    assert (child.batches_done, child.train_seconds, child.elapsed_seconds) == (0, 0.0, 0.0)
    assert child.train_metrics.count == 0
