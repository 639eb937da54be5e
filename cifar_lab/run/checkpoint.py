"""Checkpoints: hashed when written, verified when read, loaded without running code."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cifar_lab.engine.state import FORMAT, evaluated_weights
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import write_atomically
from cifar_lab.run.store import Store


def packed_state(state: dict[str, Any]) -> bytes:
    """The content of a checkpoint with this state: plain values and tensors."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def save_checkpoint(path: Path, content: bytes) -> None:
    """Writes a checkpoint and, next to it, its SHA-256 in the format of ``sha256sum``.

    Two files cannot be replaced at the same instant. Therefore the new hash is first listed beside
    the old one, then the checkpoint is replaced, and then the old hash is removed. Whenever the
    process dies, the existing checkpoint is complete and its hash is listed.
    """
    digest = hashlib.sha256(content).hexdigest()
    line = f"{digest}  {path.name}\n"
    hashes = _hash_file(path)
    if path.is_file() and hashes.is_file():
        write_atomically(hashes, line + hashes.read_text())
        write_atomically(path, content)
    else:
        write_atomically(hashes, line)
        write_atomically(path, content)
    write_atomically(hashes, line)


def load_checkpoint(path: Path, device: torch.device, files: Store | None = None) -> dict[str, Any]:
    """Reads a checkpoint.

    Args:
        path: of the checkpoint.
        device: for its tensors.
        files: of the run that it must belong to; None compares it only with the hash beside it.

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
    if files is not None:
        _refuse_other_run(path, state.get("run"), files.id)
    return state


def _verified(path: Path, files: Store | None) -> bytes:
    try:
        content = path.read_bytes() if files is None else files.read(path)
        if files is not None and files.manifest is not None:
            return content
        listed = _hash_file(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"checkpoint {path} could not be read: {error}") from error
    if hashlib.sha256(content).hexdigest() not in listed:
        raise Refusal(
            f"checkpoint {path} is truncated or was altered: its SHA-256 is not the one in "
            f"{_hash_file(path).name}; restore a copy, or train again"
        )
    return content


def _refuse_other_run(path: Path, theirs: str | None, ours: str | None) -> None:
    """Compares the run's id in the checkpoint, None in older ones, with that of the folder."""
    if theirs is None or theirs == ours:
        return
    if ours is None:
        raise Refusal(
            f"checkpoint {path} belongs to run {theirs}, but the folder has no manifest.json with "
            "this id; restore a copy of manifest.json"
        )
    raise Refusal(
        f"checkpoint {path} belongs to run {theirs}, but this is run {ours}; restore a copy of the "
        "run's own checkpoint"
    )


def load_evaluated_weights(
    path: Path, model: nn.Module, device: torch.device, files: Store | None = None
) -> int:
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


def _hash_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
