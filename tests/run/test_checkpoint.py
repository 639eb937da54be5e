"""Tests that only unaltered checkpoints of the run load, and no code."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from torch import nn

from cifar_lab.engine.state import TrainingState
from cifar_lab.refusal import Refusal
from cifar_lab.run import checkpoint as module
from cifar_lab.run.checkpoint import load_evaluated_weights, packed_state, refuse_other_model
from cifar_lab.run.claim import claim
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.hashed import write_hashed
from cifar_lab.run.store import Store

CPU = torch.device("cpu")


def test_training_continues_from_a_checkpoint_as_if_it_had_not_stopped(checkpoint):
    state = trained_state()
    save_checkpoint(checkpoint, state.state_dict())
    expected = [one_step(state), one_step(state)]
    resumed = trained_state(seed=1)
    resumed.load_state_dict(load_checkpoint(checkpoint, CPU))
    assert [one_step(resumed), one_step(resumed)] == expected
    for ours, theirs in zip(state.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_missing_checkpoint_is_refused(checkpoint):
    with pytest.raises(
        Refusal, match=rf"checkpoint {checkpoint} could not be read: .*No such file"
    ):
        load_checkpoint(checkpoint, CPU)


@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_a_checkpoint_altered_by_one_byte_is_refused(checkpoint, place):
    save_checkpoint(checkpoint, contents(1))
    content = bytearray(checkpoint.read_bytes())
    content[int(place * len(content))] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(Refusal, match=rf"^{checkpoint} was refused: its SHA-256 is not the one in"):
        load_checkpoint(checkpoint, CPU)


def test_an_older_run_has_the_hash_beside_the_checkpoint(checkpoint):
    write_hashed(checkpoint, packed_state(contents(1)))
    RunFolder(checkpoint.parents[1]).manifest.unlink()
    assert load_checkpoint(checkpoint, CPU)["epoch"] == 1
    checkpoint.write_bytes(packed_state(contents(2)))
    with pytest.raises(Refusal, match=f"^checkpoint {checkpoint} is truncated or was altered"):
        load_checkpoint(checkpoint, CPU)


def test_code_in_a_checkpoint_is_refused_and_not_run(checkpoint, tmp_path):
    save_checkpoint(checkpoint, {"format": 1, "bait": Bait(tmp_path / "caught")})
    with pytest.raises(Refusal, match=f"checkpoint {checkpoint} could not be loaded: "):
        load_checkpoint(checkpoint, CPU)
    assert not (tmp_path / "caught").exists()


@pytest.mark.parametrize("state", [{"format": 0}, {"model": {}}, [1]])
def test_a_checkpoint_of_another_format_is_refused(checkpoint, state):
    save_checkpoint(checkpoint, state)
    with pytest.raises(Refusal, match=f"checkpoint {checkpoint} does not have format 1; "):
        load_checkpoint(checkpoint, CPU)


@pytest.mark.parametrize("averaged", [False, True])
def test_evaluation_uses_the_averaged_weights_where_there_are_any(checkpoint, averaged):
    plain, average, model = network(0), network(1), network(2)
    state = contents(5) | {"model": plain.state_dict()}
    state["ema"] = average.state_dict() if averaged else None
    save_checkpoint(checkpoint, state)
    assert load_evaluated_weights(checkpoint, model, CPU, files(checkpoint)) == 5
    expected = (average if averaged else plain).state_dict()
    assert model.state_dict().keys() == expected.keys()
    for name, value in model.state_dict().items():
        assert torch.equal(value, expected[name])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: nn.Sequential(nn.Linear(2, 5)), r"0\.bias is \(5,\) there and \(3,\) in Sequent"),
        (lambda: nn.Sequential(nn.Linear(2, 3, bias=False)), r"0\.bias is absent there and \(3,\)"),
        (lambda: nn.Sequential(nn.Linear(2, 3), nn.PReLU()), r"1\.weight is \(1,\) there and abs"),
    ],
)
def test_a_checkpoint_of_a_different_model_is_refused_before_anything_is_copied(
    checkpoint, other, message
):
    save_checkpoint(checkpoint, contents(1) | {"model": other().state_dict()})
    model = network(0)
    with pytest.raises(
        Refusal, match=rf"checkpoint {checkpoint} belongs to a different model: {message}"
    ):
        load_evaluated_weights(checkpoint, model, CPU, files(checkpoint))
    for name, value in model.state_dict().items():
        assert torch.equal(value, network(0).state_dict()[name])


def test_the_model_that_was_trained_is_not_refused():
    refuse_other_model(Path("last.pt"), network(0).state_dict(), network(1))


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    claim(RunFolder(tmp_path / "run"), {})
    return RunFolder(tmp_path / "run").last_checkpoint


class Bait:
    """Creates a file when it is unpickled without restrictions."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __reduce__(self):
        return open, (self.file, "w")


def files(checkpoint: Path) -> Store:
    return Store(RunFolder(checkpoint.parents[1]))


def save_checkpoint(path: Path, state: object) -> None:
    files(path).write({path: packed_state(state)})


def load_checkpoint(path: Path, device: torch.device) -> dict:
    return module.load_checkpoint(path, device, files(path))


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 3))


def contents(epoch: int) -> dict:
    """A small checkpoint with its epoch."""
    return {"format": 1, "model": network(epoch).state_dict(), "ema": None, "epoch": epoch}


def trained_state(seed: int = 0) -> TrainingState:
    """A model with dropout after two steps with momentum."""
    torch.manual_seed(seed)
    random.seed(seed)
    model = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    state = TrainingState(model, optimizer, None, CPU)
    one_step(state)
    one_step(state)
    return state


def one_step(state: TrainingState) -> float:
    loss = state.model(torch.tensor([[1.0, random.random()]])).square().sum()
    state.optimizer.zero_grad()
    loss.backward()
    state.optimizer.step()
    return loss.item()
