"""Builds what a configuration names. Configuration stops here: what is built knows none of it."""

from cifar_lab.assembly.attempts import Tried
from cifar_lab.assembly.experiment import Experiment, experiment, network, problems, readable
from cifar_lab.assembly.parts import device, source
from cifar_lab.assembly.setup import Setup

__all__ = [
    "Experiment",
    "Setup",
    "Tried",
    "device",
    "experiment",
    "network",
    "problems",
    "readable",
    "source",
]
