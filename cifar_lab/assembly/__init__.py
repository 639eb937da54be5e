"""Builds experiments from configurations; what is built knows nothing of configuration."""

from cifar_lab.assembly.attempts import Tried
from cifar_lab.assembly.experiment import Experiment, experiment, network, problems, readable
from cifar_lab.assembly.parts import device
from cifar_lab.assembly.precision import probe_for
from cifar_lab.assembly.setup import Setup
from cifar_lab.assembly.sources import source
from cifar_lab.assembly.timing import BatchTimes, batch_times

__all__ = [
    "BatchTimes",
    "Experiment",
    "Setup",
    "Tried",
    "batch_times",
    "device",
    "experiment",
    "network",
    "probe_for",
    "problems",
    "readable",
    "source",
]
