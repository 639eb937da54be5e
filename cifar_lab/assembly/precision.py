"""Chooses the precision of an experiment; a CPU is measured once and its figures are kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cifar_lab.assembly import parts
from cifar_lab.engine.probe import PAIRS, Convolution, Pair, Timer, faster, interleaved, speedup
from cifar_lab.precision import Precision, PrecisionChoice, has_bfloat16
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.provenance import PrecisionProbe, device_name, processor_features

#: Where caches lie unless the environment variable CIFAR_LAB_CACHE says otherwise.
CACHE = "~/.cache/cifar_lab"
#: Variables that keep libraries from using some of the processor's instructions.
LIMITS = ("ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA")


class Chosen(NamedTuple):
    """A precision and the measurement that chose it; ``probe`` is None if nothing was measured."""

    precision: Precision
    probe: PrecisionProbe | None


def chosen(
    choice: PrecisionChoice,
    device: torch.device,
    probe: PrecisionProbe | None = None,
    timer: Callable[[], Timer] = Convolution,
) -> Chosen:
    """Choose the precision of a run.

    ``auto`` is bfloat16 on a CUDA device with bfloat16 matrix instructions, and on a CPU where a
    measurement shows that it is clearly faster; otherwise float32.

    Args:
        choice: a precision, or ``auto``.
        device: of the run.
        probe: an earlier measurement of this machine to go by, e.g. for all jobs of a sweep.
        timer: makes what is measured; called only if a measurement is needed.
    """
    if choice != "auto":
        return Chosen(choice, None)
    if not has_bfloat16(device):
        return Chosen("float32", None)
    if device.type != "cpu":
        return Chosen("bfloat16", None)
    found = measured(timer) if probe is None else probe
    return Chosen(faster(found.pairs), found)


def probe_for(configs: Iterable[dict[str, Any]]) -> PrecisionProbe | None:
    """Measure once for several configurations; None if the precision of none depends on it."""
    for config in configs:
        device = parts.device(config["device"])
        undecided = config["trainer"]["precision"] == "auto" and device.type == "cpu"
        if undecided and has_bfloat16(device):
            return measured()
    return None


def measured(timer: Callable[[], Timer] = Convolution) -> PrecisionProbe:
    """Return this processor's measurement: a kept one, or a new one, which is then kept."""
    machine = _machine()
    file = (
        cache_folder("precision")
        / f"{hashlib.sha256(json.dumps(machine).encode()).hexdigest()[:32]}.json"
    )
    pairs = _kept(file, machine)
    if pairs is not None:
        return PrecisionProbe(speedup(pairs), pairs, cached=True)
    pairs = interleaved(timer())
    if len(pairs) == PAIRS:  # fewer: the machine was too busy to go by it for ever
        with contextlib.suppress(OSError):  # without a place, it is measured every time
            write_object(file, _Entry(machine, pairs))
    return PrecisionProbe(speedup(pairs), pairs, cached=False)


@dataclass(frozen=True)
class _Entry:
    """A kept measurement, and the machine and settings that it belongs to."""

    machine: dict[str, str]
    pairs: tuple[Pair, ...]


def _kept(file: Path, machine: dict[str, str]) -> tuple[Pair, ...] | None:
    """Return a kept measurement; None if there is none, it is damaged, or not of this machine."""
    if not file.is_file():
        return None
    try:
        entry = read_object(file, _Entry)
    except Refusal:
        return None
    sound = all(0 < seconds < math.inf for pair in entry.pairs for seconds in pair)
    return entry.pairs if entry.machine == machine and entry.pairs and sound else None


def cache_folder(name: str) -> Path:
    """Where caches of this name lie."""
    return Path(os.environ.get("CIFAR_LAB_CACHE") or CACHE).expanduser() / name


def _machine() -> dict[str, str]:
    """Everything that the ratio depends on."""
    return {
        "processor": device_name(torch.device("cpu")),
        "features": processor_features(),
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "limits": ", ".join(f"{name}={os.environ[name]}" for name in LIMITS if name in os.environ),
    }
