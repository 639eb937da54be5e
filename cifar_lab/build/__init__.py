"""Builds what a configuration names. Configuration stops here: what is built knows none of it."""

from cifar_lab.build.experiment import Experiment, experiment, problems, readable
from cifar_lab.build.parts import source

__all__ = ["Experiment", "experiment", "problems", "readable", "source"]
