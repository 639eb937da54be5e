"""provenance.json: what a run was made with."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

from cifar_lab.run.origin import Origin

#: Distributions whose versions can change a result or a picture.
LIBRARIES = (
    "cifar-lab",
    "torch",
    "torchvision",
    "albumentations",
    "timm",
    "captum",
    "lightning",
    "hydra-core",
    "omegaconf",
    "numpy",
    "matplotlib",
)
#: Beginnings of environment variables that libraries read.
COMPUTING = ("CUDA_", "DNNL_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "PYTORCH_", "TORCH_")
#: What ``record`` writes, between the runs of ``make studies`` too: it changes no run.
RECORDED = (":(top,exclude)experiments/results", ":(top,exclude)experiments/README.md")


def provenance(
    *,
    origin: Origin,
    config: dict[str, Any],
    seed: int,
    device: torch.device,
    processes: int,
    precision: str,
    fast_path: dict[str, str],
    fingerprint: str,
) -> dict[str, Any]:
    """Collects the record.

    Args:
        origin: how the run was asked for.
        config: the composed configuration as plain values.
        seed: the run's seed.
        device: what it runs on.
        processes: that train together.
        precision: what it computes in, resolved.
        fast_path: what makes it fast, each piece with how it stands.
        fingerprint: of the data set's pixels and labels.
    """
    return {
        "command": origin.command,
        "working_directory": str(Path.cwd()),
        "config_sha256": config_hash(config),
        "git": git_state(Path(__file__).parent),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "device": str(device),
        "device_name": device_name(device),
        "processes": processes,
        "threads": torch.get_num_threads(),
        "environment": environment(),
        "precision": precision,
        "fast_path": fast_path,
        "data_fingerprint": fingerprint,
        "seed": seed,
        "differences": [difference._asdict() for difference in origin.differences],
    }


def environment() -> dict[str, str]:
    """The environment's variables that change how libraries compute, such as their threads."""
    return {k: v for k, v in sorted(os.environ.items()) if k.startswith(COMPUTING)}


def config_hash(config: dict[str, Any]) -> str:
    """SHA-256 of a configuration, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()


def git_state(inside: Path) -> dict[str, Any] | None:
    """Commit of the checkout that holds the package, and whether it was changed since.

    Recorded results are no change.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(inside), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", str(Path(__file__)))  # an installed wheel has no commit
        changed = git("status", "--porcelain", "--", ":/", *RECORDED)
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(changed)}
    except (OSError, subprocess.CalledProcessError):
        return None


def device_name(device: torch.device) -> str:
    """What the hardware calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
