"""Checkpoints: verified when read, loaded without running code."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cifar_lab.engine.state import FORMAT, evaluated_weights
from cifar_lab.refusal import Refusal
from cifar_lab.run.hashed import read_hashed
from cifar_lab.run.store import Store


def packed_state(state: dict[str, Any]) -> bytes:
    """The content of a checkpoint with this state: plain values and tensors."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def load_checkpoint(path: Path, device: torch.device, files: Store) -> dict[str, Any]:
    """Reads a checkpoint.

    Args:
        path: of the checkpoint.
        device: for its tensors.
        files: of the run that it must belong to.

    Raises:
        Refusal: it is missing, truncated or altered, has no hash, has an unknown format, or
            belongs to another run.
    """
    content = _verified(path, files)
    try:
        state = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise Refusal(f"checkpoint {path} could not be loaded: {error}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise Refusal(f"checkpoint {path} does not have format {FORMAT}; train again")
    _refuse_other_run(path, state.get("run"), files.id)
    return state


def _verified(path: Path, files: Store) -> bytes:
    try:
        return read_hashed(path) if files.manifest is None else files.read(path)
    except OSError as error:
        raise Refusal(f"checkpoint {path} could not be read: {error}") from error


def _refuse_other_run(path: Path, theirs: str | None, ours: str | None) -> None:
    """Compares the run's id in the checkpoint, None in older ones, with that of the folder."""
    if theirs is None or theirs == ours:
        return
    whose = "an older run, without an id" if ours is None else f"run {ours}"
    raise Refusal(
        f"checkpoint {path} belongs to run {theirs}, but this is {whose}; restore a copy of the "
        "run's own checkpoint"
    )


def load_evaluated_weights(path: Path, model: nn.Module, device: torch.device, files: Store) -> int:
    """Loads the weights used for evaluation into a model; returns the number of trained epochs.

    Raises:
        Refusal: as :func:`load_checkpoint`, or the checkpoint belongs to a different model.
    """
    state = load_checkpoint(path, device, files)
    refuse_other_model(path, evaluated_weights(state), model)
    model.load_state_dict(evaluated_weights(state))
    return int(state["epoch"])


def refuse_other_model(path: Path, weights: dict[str, torch.Tensor], model: nn.Module) -> None:
    """Compares names and shapes of the weights with those of the model.

    Raises:
        Refusal: they differ.
    """
    ours = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    theirs = {name: tuple(value.shape) for name, value in weights.items()}
    if ours != theirs:
        name = next(iter(sorted(ours.items() ^ theirs.items())))[0]
        raise Refusal(
            f"checkpoint {path} belongs to a different model: {name} is "
            f"{theirs.get(name, 'absent')} there and {ours.get(name, 'absent')} in "
            f"{type(model).__name__}; use the configuration that it was trained with"
        )
