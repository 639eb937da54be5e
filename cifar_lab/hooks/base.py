"""What a hook of a run is, and what it sees of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from cifar_lab.data.arrays import Outline
    from cifar_lab.engine.fit import Loaders
    from cifar_lab.engine.hooks import Row
    from cifar_lab.engine.learner import Learner
    from cifar_lab.run.summary import Summary


@dataclass(frozen=True)
class RunView:
    """What a hook sees of the run.

    Attributes:
        path: the run's folder.
        config: the run's configuration as plain values, resolved. Not to be changed.
        rows: the rows of metrics.csv so far; not empty at the start of a resumed run.
        write: adds a file to the run, ``hooks/NAME/FILE`` in its folder, from its name and its
            text or bytes; a file of the same name is replaced.
        learner: the model being trained, with its criterion and device; None for a finished run.
        loaders: the batches of training, validation and test; None for a finished run.
        evaluated_model: what validation and test evaluate: the averaged model where there is one,
            else that of the learner; None for a finished run.
        read: the bytes of a file that ``write`` added, by its name, in an earlier process too;
            None if there is none.
    """

    path: Path
    config: Mapping[str, Any]
    rows: tuple[Row, ...]
    write: Callable[[str, str | bytes], None]
    learner: Learner | None = None
    loaders: Loaders | None = None
    evaluated_model: nn.Module | None = None
    read: Callable[[str], bytes | None] = lambda name: None


class Hook:
    """What looks on while a run trains: override the methods of interest, all of which do nothing.

    The constructor takes the values of the configuration. It only keeps them, as it is called for
    checks as well; files and connections are opened in :meth:`on_run_start`. Annotations such as
    ``images: PositiveInt`` of ``cifar_lab.bounds`` are checked for the lab's own hooks.

    A hook does not change the run: random states, buffers, gradients, modes and whether gradients
    are computed are as before after each call; only the weights must be left alone. A hook that
    raises is told once and not called again; the run goes on without it. Where several processes
    train together, only the first calls hooks.
    """

    def unmet_needs(self, images: Outline) -> list[str]:
        """Asked before anything runs: what is missing, one sentence each, and what to do.

        Args:
            images: what is known about the images, such as whether some are held out for
                validation; None stands for what is not known yet.
        """
        return []

    def on_run_start(self, run: RunView) -> None:
        """Called before the first step, and before the first step of a resumed run."""

    def columns(self, run: RunView) -> Mapping[str, float]:
        """Asked after each epoch for columns to add to its row of metrics.csv.

        Each is finite or NaN. A name has at most 60 letters, digits, ``_``, ``.`` and ``-``,
        begins with a letter, and is not that of another column.
        """
        return {}

    def on_epoch_end(self, run: RunView, row: Row) -> None:
        """Called after each epoch; ``row`` is its complete row of metrics.csv."""

    def reason_to_stop(self, run: RunView) -> str | None:
        """Asked after each epoch but the last: why training stops; None if it goes on."""
        return None

    def on_run_end(self, run: RunView, summary: Summary) -> None:
        """Called at the very end of a run that is done, after its report."""

    def on_run_broken_off(self, run: RunView, why: str) -> None:
        """Called instead of ``on_run_end`` if the run failed or was interrupted."""
