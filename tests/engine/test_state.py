"""The training state: its contents, and a complete round trip through a checkpoint's bytes."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import nn

from cifar_lab.engine.state import TrainingState, evaluated_weights

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
    assert other.stopped == "time was up"
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
        if state.ema is not None:
            state.ema.update(state.model)
        state.train_metrics.update(loss, torch.tensor(1), 2, step=0)
    state.epoch, state.batches_done = 3, 4
    state.train_seconds, state.elapsed_seconds = 1.5, 20.25
    state.stopped = "time was up"
    state.best = {"epoch": 2, "val_loss": 0.5, "val_accuracy": 0.75}


def saved_and_read(state: TrainingState) -> dict[str, Any]:
    buffer = io.BytesIO()
    torch.save(state.state_dict(), buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def assert_same(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert actual.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in actual.items())
