"""provenance.json: what a run was made with."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_lab.run.origin import Difference, Origin
from cifar_lab.wording import plural

if TYPE_CHECKING:
    import torch

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


@dataclass(frozen=True)
class Git:
    """The commit of the checkout that holds the package, and whether it was changed since."""

    commit: str
    dirty: bool


@dataclass(frozen=True)
class Provenance:
    """What a run was made with.

    Attributes:
        command: repeats the run.
        working_directory: absolute, where it was started.
        config_sha256: of the composed configuration, whatever the order of its keys.
        git: None where the package is in no checkout.
        python: version.
        platform: as Python tells it.
        libraries: versions by distribution; None for one that is not installed.
        device: as torch names it.
        device_name: what the hardware calls itself.
        processes: that trained together.
        threads: of the CPU, a process.
        environment: variables that change how libraries compute.
        precision: that it computed in, resolved.
        fast_path: what makes it fast, each piece with how it stood; none in older runs.
        data_fingerprint: SHA-256 of the data set's pixels and labels.
        seed: of weights, order and augmentation.
        differences: of the configuration from the defaults; None in runs older than the record.
    """

    command: str
    working_directory: str
    config_sha256: str
    git: Git | None
    python: str
    platform: str
    libraries: dict[str, str | None]
    device: str
    device_name: str
    processes: int
    threads: int
    environment: dict[str, str]
    precision: str
    fast_path: dict[str, str]
    data_fingerprint: str
    seed: int
    differences: tuple[Difference, ...] | None

    @property
    def commit(self) -> str:
        """What the run's code was, as far as a checkout can tell, as Markdown."""
        if self.git is None:
            return "none"
        return f"`{self.git.commit[:12]}`{' (changed)' if self.git.dirty else ''}"

    @property
    def hardware(self) -> str:
        """What it was computed on; libraries may have been told to use only a part of it."""
        limits = [f"{k}={v}" for k, v in self.environment.items() if k.endswith("_MAX_CPU_ISA")]
        several = [f"{self.processes} processes"] if self.processes > 1 else []
        threads = plural(self.threads, "thread", "threads")
        return ", ".join((self.device_name, *several, threads, self.precision, *limits))

    @property
    def origin(self) -> Origin:
        """How the run was asked for; an older one names no differences."""
        return Origin(self.command, list(self.differences or ()))


def collected(
    *,
    origin: Origin,
    config: dict[str, Any],
    seed: int,
    device: torch.device,
    processes: int,
    precision: str,
    fast_path: dict[str, str],
    fingerprint: str,
) -> Provenance:
    """Collects the record of a run that begins.

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
    import torch

    return Provenance(
        command=origin.command,
        working_directory=str(Path.cwd()),
        config_sha256=config_hash(config),
        git=git_state(Path(__file__).parent),
        python=platform.python_version(),
        platform=platform.platform(),
        libraries={name: _version(name) for name in LIBRARIES},
        device=str(device),
        device_name=device_name(device),
        processes=processes,
        threads=torch.get_num_threads(),
        environment=environment(),
        precision=precision,
        fast_path=fast_path,
        data_fingerprint=fingerprint,
        seed=seed,
        differences=tuple(origin.differences),
    )


def environment() -> dict[str, str]:
    """The environment's variables that change how libraries compute, such as their threads."""
    return {k: v for k, v in sorted(os.environ.items()) if k.startswith(COMPUTING)}


def config_hash(config: dict[str, Any]) -> str:
    """SHA-256 of a configuration, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()


def git_state(inside: Path) -> Git | None:
    """Commit of the checkout that holds the package, and whether it was changed since.

    Recorded results are no change.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(inside), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", str(Path(__file__)))  # an installed wheel has no commit
        changed = git("status", "--porcelain", "--", ":/", *RECORDED)
        return Git(git("rev-parse", "HEAD"), bool(changed))
    except (OSError, subprocess.CalledProcessError):
        return None


def device_name(device: torch.device) -> str:
    """What the hardware calls itself."""
    if device.type == "cuda":
        import torch

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
