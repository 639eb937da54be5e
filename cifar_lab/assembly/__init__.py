"""Builds what a configuration names. Configuration stops here: what is built knows none of it."""

from cifar_lab.assembly.experiment import Experiment, attempt, experiment, problems, readable
from cifar_lab.assembly.parts import source

__all__ = ["Experiment", "attempt", "experiment", "problems", "readable", "source"]
