"""The sweepers that Hydra finds: they hand the command line to :mod:`cifar_lab.sweeps`.

Hydra imports this whenever it starts, so it imports nothing heavy.
"""

from __future__ import annotations

from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class LabSweeper(Sweeper):
    """Runs a sweep by the lab: planned, checked, frozen, survived and ranked.

    Args:
        params: overrides that list values, by key, of an experiment that carries its own sweep.
    """

    def __init__(self, params: dict[str, str]) -> None:
        self.params = params

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra hands over; the task is a :class:`~cifar_lab.sweeps.start.Sweeping`."""
        self.config, self.hydra_context, self.task_function = config, hydra_context, task_function

    def sweep(self, arguments: list[str]) -> Any:
        """Plan and run the sweep."""
        task: Any = self.task_function
        return task.sweep()


class SearchSweeper(LabSweeper):
    """Runs a search by the lab: every job is chosen by the results of the earlier ones.

    Args:
        params: overrides that state the search space, by key.
        options: see :class:`cifar_lab.results.search.SearchOptions`, which are checked before.
    """

    def __init__(self, params: dict[str, str], **options: Any) -> None:
        super().__init__(params)
        self.options = options
