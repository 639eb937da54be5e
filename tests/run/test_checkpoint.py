"""Tests that only unaltered checkpoints load, and that they survive the death of a process."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
from pathlib import Path

import pytest
import torch
from torch import nn

from cifar_lab.engine.state import TrainingState
from cifar_lab.refusal import Refusal
from cifar_lab.run.checkpoint import (
    load_checkpoint,
    load_evaluated_weights,
    packed_state,
    refuse_other_model,
)
from cifar_lab.run.checkpoint import save_checkpoint as save_content

CPU = torch.device("cpu")
ALTERED = r"is truncated or was altered: its SHA-256 is not the one in last\.pt\.sha256"


def test_training_continues_from_a_checkpoint_as_if_it_had_not_stopped(checkpoint):
    state = trained_state()
    save_checkpoint(checkpoint, state.state_dict())
    expected = [one_step(state), one_step(state)]
    resumed = trained_state(seed=1)
    resumed.load_state_dict(load_checkpoint(checkpoint, CPU))
    assert [one_step(resumed), one_step(resumed)] == expected
    for ours, theirs in zip(state.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_hash_file_is_in_the_form_of_sha256sum(checkpoint):
    for _ in range(2):
        save_checkpoint(checkpoint, contents(1))
        digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
        assert hash_file(checkpoint).read_text() == f"{digest}  last.pt\n"
        assert sorted(os.listdir(checkpoint.parent)) == ["last.pt", "last.pt.sha256"]


def test_a_missing_checkpoint_is_refused(checkpoint):
    with pytest.raises(
        Refusal, match=rf"checkpoint {checkpoint} could not be read: .*No such file"
    ):
        load_checkpoint(checkpoint, CPU)


def test_a_checkpoint_without_its_hash_file_is_refused(checkpoint):
    save_checkpoint(checkpoint, contents(1))
    hash_file(checkpoint).unlink()
    message = rf"checkpoint {checkpoint} could not be read: .*last\.pt\.sha256"
    with pytest.raises(Refusal, match=message):
        load_checkpoint(checkpoint, CPU)


def test_a_hash_file_that_is_not_text_is_refused(checkpoint):
    save_checkpoint(checkpoint, contents(1))
    hash_file(checkpoint).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refusal, match=rf"checkpoint {checkpoint} could not be read: "):
        load_checkpoint(checkpoint, CPU)


def test_blank_lines_in_a_hash_file_do_no_harm(checkpoint):
    save_checkpoint(checkpoint, contents(1))
    hash_file(checkpoint).write_text("\n" + hash_file(checkpoint).read_text() + "\n\n")
    assert load_checkpoint(checkpoint, CPU)["epoch"] == 1


def test_an_empty_hash_file_vouches_for_nothing(checkpoint):
    save_checkpoint(checkpoint, contents(1))
    hash_file(checkpoint).write_text("")
    with pytest.raises(Refusal, match=ALTERED):
        load_checkpoint(checkpoint, CPU)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(checkpoint, kept):
    save_checkpoint(checkpoint, contents(1))
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(Refusal, match=rf"{ALTERED}; restore a copy, or"):
        load_checkpoint(checkpoint, CPU)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.999])
def test_a_checkpoint_altered_by_one_byte_is_refused(checkpoint, place):
    save_checkpoint(checkpoint, contents(1))
    content = bytearray(checkpoint.read_bytes())
    content[int(place * len(content))] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(Refusal, match=ALTERED):
        load_checkpoint(checkpoint, CPU)


def test_an_earlier_checkpoint_put_beside_a_later_hash_is_refused(checkpoint):
    save_checkpoint(checkpoint, contents(1))
    earlier = checkpoint.read_bytes()
    save_checkpoint(checkpoint, contents(2))
    checkpoint.write_bytes(earlier)
    with pytest.raises(Refusal, match=ALTERED):
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


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_save_that_dies_between_its_writes_leaves_a_loadable_checkpoint(
    checkpoint, monkeypatch, dies_at
):
    save_checkpoint(checkpoint, contents(1))
    save_until(monkeypatch, checkpoint, contents(2), dies_at)
    assert load_checkpoint(checkpoint, CPU)["epoch"] == (1 if dies_at <= 2 else 2)
    save_checkpoint(checkpoint, contents(3))
    assert load_checkpoint(checkpoint, CPU)["epoch"] == 3
    assert len(hash_file(checkpoint).read_text().splitlines()) == 1


@pytest.mark.parametrize(("first", "second"), list(itertools.product([1, 2, 3], repeat=2)))
def test_two_saves_that_die_one_after_the_other_leave_a_loadable_checkpoint(
    checkpoint, monkeypatch, first, second
):
    save_checkpoint(checkpoint, contents(1))
    save_until(monkeypatch, checkpoint, contents(2), first)
    save_until(monkeypatch, checkpoint, contents(3), second)
    assert load_checkpoint(checkpoint, CPU)["epoch"] in (1, 2, 3)


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_first_save_that_dies_leaves_a_whole_checkpoint_or_none(checkpoint, monkeypatch, dies_at):
    save_until(monkeypatch, checkpoint, contents(1), dies_at)
    if checkpoint.exists():
        assert load_checkpoint(checkpoint, CPU)["epoch"] == 1
    save_checkpoint(checkpoint, contents(2))
    assert load_checkpoint(checkpoint, CPU)["epoch"] == 2


def test_a_save_makes_three_replacements(checkpoint, monkeypatch):
    """So that the tests above cover every point at which a process can die."""
    for epoch in (1, 2):
        save_until(monkeypatch, checkpoint, contents(epoch), dies_at=4)
        assert load_checkpoint(checkpoint, CPU)["epoch"] == epoch


@pytest.mark.parametrize("averaged", [False, True])
def test_evaluation_uses_the_averaged_weights_where_there_are_any(checkpoint, averaged):
    plain, average, model = network(0), network(1), network(2)
    state = contents(5) | {"model": plain.state_dict()}
    state["ema"] = average.state_dict() if averaged else None
    save_checkpoint(checkpoint, state)
    assert load_evaluated_weights(checkpoint, model, CPU) == 5
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
        load_evaluated_weights(checkpoint, model, CPU)
    for name, value in model.state_dict().items():
        assert torch.equal(value, network(0).state_dict()[name])


def test_the_model_that_was_trained_is_not_refused():
    refuse_other_model(Path("last.pt"), network(0).state_dict(), network(1))


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    return tmp_path / "checkpoints" / "last.pt"


class Bait:
    """Creates a file when it is unpickled without restrictions."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __reduce__(self):
        return open, (self.file, "w")


def save_checkpoint(path: Path, state: object) -> None:
    save_content(path, packed_state(state))


def hash_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


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


def save_until(monkeypatch, path: Path, state: dict, dies_at: int) -> None:
    """Saves and dies at the n-th replacement; there are only three."""
    replace, calls = os.replace, []

    def dying(*arguments):
        calls.append(1)
        if len(calls) == dies_at:
            raise KeyboardInterrupt
        replace(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", dying)
        if dies_at <= 3:
            with pytest.raises(KeyboardInterrupt):
                save_checkpoint(path, state)
        else:
            save_checkpoint(path, state)
