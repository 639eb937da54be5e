"""provenance.json: the provenance of a run."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_lab.run.code import OwnModules
from cifar_lab.run.git import Git, git_state
from cifar_lab.run.origin import Difference, Origin, Parent, StartingWeights
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
        weights: what its weights started from; None for its own initial ones.
        parent: the run that it extends; None for a run that begins by itself.
        own_code: Python files of the user's own that it was built from; None without any.
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
    weights: StartingWeights | None
    parent: Parent | None
    own_code: OwnModules | None

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
    own_code: OwnModules | None,
    weights: StartingWeights | None = None,
    parent: Parent | None = None,
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
        weights: what its weights start from, if not from its own initial ones.
        parent: the run that it extends, if any.
        own_code: Python files of the user's own that it was built from.
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
        weights=weights,
        parent=parent,
        own_code=own_code,
    )


def environment() -> dict[str, str]:
    """Environment variables that change how libraries compute, such as numbers of threads."""
    return {k: v for k, v in sorted(os.environ.items()) if k.startswith(COMPUTING)}


def config_hash(config: dict[str, Any]) -> str:
    """SHA-256 of a configuration, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()


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
