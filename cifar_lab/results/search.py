"""What a search recorded of itself: its settings, its space, and which trials became jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cifar_lab.bounds import NonNegativeInt, PositiveInt, Seed
from cifar_lab.run.files import read_object
from cifar_lab.run.sweep_folder import SweepFolder


@dataclass(frozen=True)
class SearchOptions:
    """Settings of ``hydra/sweeper=search``.

    Attributes:
        trials: how many there are in all, failed and pruned ones included.
        sampler: what chooses their values: a tree-structured Parzen estimator, a Gaussian process,
            or chance.
        seed: of the sampler.
        pruner: what stops trials that do worse than others; None for nothing.
        prune_after_epochs: so many epochs of each trial are never pruned.
        prune_after_trials: nothing is pruned before so many trials have been trained to their end.
        storage: URL of the study for Optuna; None for search.db in the sweep's folder.
    """

    trials: PositiveInt
    sampler: Literal["tpe", "gp", "random"]
    seed: Seed
    pruner: Literal["median"] | None
    prune_after_epochs: NonNegativeInt
    prune_after_trials: PositiveInt
    storage: str | None


@dataclass(frozen=True)
class Jobless:
    """A trial that is not trained.

    Attributes:
        trial: its number.
        values: the text of what it chose, by key.
        problem: why its configuration was refused; None if it was not.
        repeats: number of the job that has the same overrides; None for a refused one.
    """

    trial: int
    values: dict[str, str]
    problem: str | None
    repeats: int | None


@dataclass(frozen=True)
class Search:
    """How a search chooses its jobs.

    Attributes:
        options: as they were set.
        library: that chooses, with its version.
        constant: overrides of all trials.
        space: what a trial may choose for each key, in Hydra's syntax.
        trials: number of the trial of each job; Optuna counts them from 0.
        jobless: trials without a job.
    """

    options: SearchOptions
    library: str
    constant: tuple[str, ...]
    space: dict[str, str]
    trials: tuple[int, ...]
    jobless: tuple[Jobless, ...]

    @property
    def chosen(self) -> int:
        """How many trials have been chosen so far."""
        return len(self.trials) + len(self.jobless)


@dataclass(frozen=True)
class Importances:
    """How much the keys of a search matter.

    Attributes:
        method: by which they were computed.
        trials: how many completed trials they were computed from.
        shares: by key, 0 to 1; they sum to 1.
    """

    method: str
    trials: int
    shares: dict[str, float]


def read_importances(folder: SweepFolder) -> Importances | None:
    """Read what a search computed last; None before it has enough trials.

    Raises:
        Refusal: the file is damaged.
    """
    return read_object(folder.importances, Importances) if folder.importances.is_file() else None
