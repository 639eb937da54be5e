"""provenance.json: the provenance of a run."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_lab.run.origin import Difference, Origin
from cifar_lab.wording import plural

if TYPE_CHECKING:
    import torch

#: Distributions whose versions can affect a result or a figure.
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
#: Prefixes of environment variables that libraries read.
COMPUTING = ("CUDA_", "DNNL_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "PYTORCH_", "TORCH_")
#: Environment variable that tells the commit where git cannot, as in a copy of the files.
STATED_COMMIT = "CIFAR_LAB_COMMIT"
#: What ``record`` writes, for example between the runs of ``make studies``; it affects no run.
RECORDED = (":(top,exclude)experiments/results", ":(top,exclude)experiments/README.md")


@dataclass(frozen=True)
class Git:
    """Commit of the checkout that contains the package, and whether there are later changes."""

    commit: str
    dirty: bool


@dataclass(frozen=True)
class PrecisionProbe:
    """A measurement of how fast the processor is in bfloat16, which chose ``precision=auto``.

    Attributes:
        speedup: how many times as fast as float32 it is; the median over the pairs.
        pairs: seconds of the same convolution in bfloat16 and in float32, measured in turn.
        cached: whether it was measured for an earlier run on the same machine.
    """

    speedup: float
    pairs: tuple[tuple[float, float], ...]
    cached: bool

    @property
    def described(self) -> str:
        """The figures as a phrase."""
        when = "earlier" if self.cached else "now"
        return (
            f"bfloat16 is {self.speedup:.2f} times as fast as float32 here (median of "
            f"{plural(len(self.pairs), 'pair', 'pairs')}, measured {when})"
        )


@dataclass(frozen=True)
class Provenance:
    """The provenance of a run: code, libraries, hardware, settings and data.

    Attributes:
        command: repeats the run.
        working_directory: absolute path of the folder in which it was started; None in records.
        config_sha256: of the composed configuration, independent of the order of its keys.
        git: None if the package is not in a checkout.
        python: version.
        platform: as Python names it.
        libraries: versions by distribution; None for one that is not installed.
        device: as torch names it.
        device_name: model of the processor or GPU.
        processes: number of processes that trained together.
        threads: CPU threads per process.
        environment: variables that change how libraries compute.
        precision: of the computation, resolved.
        precision_probe: what chose the precision; None if it was stated, if the device decides
            it, and in older runs.
        fast_path: state of each piece of the fast path; empty in older runs.
        data_fingerprint: SHA-256 of the data set's pixels and labels.
        seed: of initial weights, shuffling and augmentation.
        differences: between the configuration and the defaults; None in older runs.
        replaced_options: files below ``--config-dir`` that were used instead of packaged ones of
            the same name.
    """

    command: str
    working_directory: str | None
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
    precision_probe: PrecisionProbe | None
    fast_path: dict[str, str]
    data_fingerprint: str
    seed: int
    differences: tuple[Difference, ...] | None
    replaced_options: tuple[str, ...]

    @property
    def commit(self) -> str:
        """Commit of the run's code as Markdown, with a mark if there were uncommitted changes."""
        if self.git is None:
            return "none"
        return f"`{self.git.commit[:12]}`{' (changed)' if self.git.dirty else ''}"

    @property
    def hardware(self) -> str:
        """Hardware, processes, threads, precision, and limits set for libraries."""
        limits = [f"{k}={v}" for k, v in self.environment.items() if k.endswith("_MAX_CPU_ISA")]
        several = [f"{self.processes} processes"] if self.processes > 1 else []
        threads = plural(self.threads, "thread", "threads")
        return ", ".join((self.device_name, *several, threads, self.precision, *limits))

    @property
    def origin(self) -> Origin:
        """How the run was requested; older runs have no differences."""
        return Origin(self.command, list(self.differences or ()), self.replaced_options)


def collected(
    *,
    origin: Origin,
    config: dict[str, Any],
    seed: int,
    device: torch.device,
    processes: int,
    precision: str,
    precision_probe: PrecisionProbe | None,
    fast_path: dict[str, str],
    fingerprint: str,
) -> Provenance:
    """Collects the provenance of a run that is about to start.

    Args:
        origin: how the run was requested.
        config: the composed configuration as plain values.
        seed: the run's seed.
        device: on which it runs.
        processes: number of processes that train together.
        precision: of the computation, resolved.
        precision_probe: what chose the precision, if it was measured.
        fast_path: state of each piece of the fast path.
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
        precision_probe=precision_probe,
        fast_path=fast_path,
        data_fingerprint=fingerprint,
        seed=seed,
        differences=tuple(origin.differences),
        replaced_options=origin.replaced,
    )


def environment() -> dict[str, str]:
    """Environment variables that change how libraries compute, such as numbers of threads."""
    return {k: v for k, v in sorted(os.environ.items()) if k.startswith(COMPUTING)}


def config_hash(config: dict[str, Any]) -> str:
    """SHA-256 of a configuration, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()


def git_state(inside: Path) -> Git | None:
    """Commit of the checkout that contains the package, and whether there are later changes.

    Recorded results do not count as changes. Where git cannot tell, CIFAR_LAB_COMMIT does: the
    hash, followed by ``-dirty`` if there were changes (``git describe --always --abbrev=0 --dirty``
    writes it so).
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(inside), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", str(Path(__file__)))  # fails for an installed wheel
        changed = git("status", "--porcelain", "--", ":/", *RECORDED)
        return Git(git("rev-parse", "HEAD"), bool(changed))
    except (OSError, subprocess.CalledProcessError):
        stated = re.fullmatch(r"([0-9a-f]{40})(-dirty)?", os.environ.get(STATED_COMMIT, "").strip())
        return Git(stated[1], bool(stated[2])) if stated else None


def device_name(device: torch.device) -> str:
    """Model name of the processor or GPU."""
    if device.type == "cuda":
        import torch

        return torch.cuda.get_device_name(device)
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def processor_features() -> str:
    """Instruction sets of the processor, as the kernel lists them; empty if it does not."""
    return _cpuinfo("flags") or _cpuinfo("Features")


def _cpuinfo(field: str) -> str:
    """A field of the first processor; empty if the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    values = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in values if name.strip() == field), "")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
