"""Describes the hardware and software of a measurement."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.targets import AMX_BF16, AVX512_BF16, CUDA

TOP = Path(__file__).resolve().parents[1]
PACKAGES = (
    "torch",
    "torchvision",
    "lightning",
    "grad-cam",
    "captum",
    "albumentations",
    "airbench",
    "kornia",
    "timm",
)
#: Flags of the kernel for features that bfloat16 needs.
FLAGS = {"avx512_bf16": AVX512_BF16, "amx_bf16": AMX_BF16}


def describe() -> dict[str, Any]:
    """Returns the machine, the versions and the commit as plain values."""
    import torch

    return {
        "device": device_name(),
        "features": features(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def device_name() -> str:
    """Name of the accelerator, or of the processor with its cores and bfloat16 instructions.

    If oneDNN is limited to older instructions, the name says so.
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    text = _read("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    name = found[1] if found else platform.processor() or platform.machine()
    name = " ".join(re.sub(r"\((R|TM)\)", "", name).split())
    # Cloud providers hide the exact model; the matrix instructions still distinguish machines.
    flags = _flags(text)
    held = os.environ.get("ONEDNN_MAX_CPU_ISA")
    limit = [f"oneDNN held to {held}"] if held else []
    return ", ".join([name, f"{cores()} cores", *flags, *limit])


def features() -> list[str]:
    """Features by which targets are decided: what the hardware has and oneDNN may use."""
    import torch

    if torch.cuda.is_available():
        return [CUDA]
    held = os.environ.get("ONEDNN_MAX_CPU_ISA", "ALL").upper()
    found = _flags(_read("/proc/cpuinfo"))
    return [feature for feature in found if _allowed(feature, held)]


def _allowed(feature: str, held: str) -> bool:
    """Whether oneDNN uses a feature if its environment variable is set to ``held``."""
    names = {AMX_BF16: ("AMX",), AVX512_BF16: ("AMX", "AVX10", "BF16", "FP16")}[feature]
    return held in ("ALL", "DEFAULT") or any(name in held for name in names)


def _flags(text: str) -> list[str]:
    return [label for flag, label in FLAGS.items() if re.search(rf"\b{flag}\b", text)]


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slug(name: str) -> str:
    """Converts a name to a file name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _commit() -> str | None:
    def git(*arguments: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(TOP), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = "-dirty" if git("status", "--porcelain", "--", "cifar_lab", "conf") else ""
        return git("rev-parse", "HEAD") + changed
    except (OSError, subprocess.CalledProcessError):
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def allocate_by_default() -> None:
    """Undoes ``keep_freed_memory``: sets glibc's thresholds to where large tensors move them.

    By default, glibc raises its thresholds to the largest freed block, up to 32 MiB.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # not glibc: nothing was set
        return
    trim_threshold, top_pad, mmap_threshold, mmap_max = -1, -2, -3, -4
    for name, value in (
        (mmap_max, 65536),
        (mmap_threshold, 32 * 2**20),
        (trim_threshold, 64 * 2**20),
        (top_pad, 128 * 2**10),
    ):
        mallopt(name, value)
