"""Reads the weights that a run may start from: another run's, or a file's."""

from __future__ import annotations

import hashlib
import io
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cifar_lab.engine.state import FORMAT, evaluated_weights
from cifar_lab.refusal import Refusal
from cifar_lab.run.checkpoint import load_checkpoint
from cifar_lab.run.find import find_run
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from cifar_lab.wording import first_sentence

#: The key that names them.
KEY = "model.weights"
#: Endings of files; a name with another one is a run's.
SAFETENSORS, PICKLED = ".safetensors", (".pt", ".pth", ".tar", ".bin")
#: Under which checkpoints keep their weights, timm's averaged ones first, as timm loads them.
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
#: What parallel and compiled modules put before every name.
PREFIXES = ("module.", "_orig_mod.")


@dataclass(frozen=True)
class Weights:
    """Tensors by name, and where they are from.

    Attributes:
        path: of the run's folder or of the file.
        sha256: of the file that holds them, in hexadecimal.
        run: id of the run that trained them; None if it is unknown.
        tensors: on the CPU, by name in the network.
    """

    path: str
    sha256: str
    run: str | None
    tensors: dict[str, Tensor] = field(repr=False, compare=False)


def place_of(outputs: Path, named: str) -> str:
    """Return the path of the file or of the run's folder that a value of the key names.

    Args:
        outputs: the folder of all runs.
        named: path of a file; or a run, as :func:`find_run` finds it.

    Raises:
        Refusal: the file does not exist, or no run matches, or several do.
    """
    path = Path(named).expanduser()
    if path.is_file():
        return str(path)
    if path.suffix in (SAFETENSORS, *PICKLED):
        raise Refusal(f"{KEY}={named}: the file does not exist; give the path of one, or a run")
    try:
        return str(find_run(outputs, named).folder.path)
    except Refusal as refusal:
        raise Refusal([f"{KEY}: {problem}" for problem in refusal.problems]) from refusal


def read_weights(place: str) -> Weights:
    """Read the reported weights of a run, or a file of weights; runs no code.

    Args:
        place: as :func:`place_of` returns it.

    Raises:
        Refusal: they do not exist or could not be read, or the run has no result yet.
    """
    path = Path(place)
    try:
        if path.is_dir():
            return _of_run(path)
        return _of_file(path)
    except Refusal as refusal:
        raise Refusal([f"{KEY}={place}: {problem}" for problem in refusal.problems]) from refusal
    except OSError as error:
        raise Refusal(f"{KEY}={place} could not be read: {first_sentence(error)}") from error


def _of_run(path: Path) -> Weights:
    run = Run(RunFolder(path))
    if not run.finished:
        raise Refusal(
            f"the run has no result yet, and its reported weights are those of its result; "
            f"continue it with `cifar-lab resume {path}`"
            if run.folder.exists()
            else "the folder is not a run's; give a run, or a file of weights"
        )
    file = run.folder.best_checkpoint
    state = load_checkpoint(file, torch.device("cpu"), run.files)
    return Weights(str(path), hash_of(file), run.id, evaluated_weights(state))


def _of_file(path: Path) -> Weights:
    content = path.read_bytes()
    loaded = _loaded(path, content)
    run = loaded.get("run") if loaded.get("format") == FORMAT else None
    return Weights(str(path), hashlib.sha256(content).hexdigest(), run, _state_dict(loaded))


def hash_of(file: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _loaded(path: Path, content: bytes) -> Mapping[str, Any]:
    try:
        if path.suffix == SAFETENSORS:
            from safetensors.torch import load  # timm needs it as well

            return load(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise Refusal(
            "it holds more than tensors and plain values, which could run code when it is "
            "loaded; save the weights alone, with torch.save(model.state_dict(), FILE) or as "
            "safetensors"
        ) from error
    except Exception as error:  # a file may hold anything, and each library has its own errors
        raise Refusal(f"it could not be loaded: {first_sentence(error)}") from error
    if not isinstance(found, Mapping):
        raise Refusal(f"it must hold tensors by name, got {type(found).__name__}")
    return found


def _state_dict(loaded: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors by name, out of whatever a checkpoint wraps them in."""
    if loaded.get("format") == FORMAT and "ema" in loaded:
        inner: Any = evaluated_weights(dict(loaded))
    else:
        wrapped = [loaded[key] for key in WRAPPERS if isinstance(loaded.get(key), Mapping)]
        inner = wrapped[0] if wrapped else loaded
    tensors = {
        str(key): value.detach() for key, value in inner.items() if isinstance(value, Tensor)
    }
    if not tensors:
        keys = ", ".join(map(str, list(inner)[:5])) or "nothing"
        raise Refusal(f"it must hold tensors by name, as a state dict does, got {keys}")
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors
