"""Typed access to the files of a run of any version; each file is read at most once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cifar_lab.refusal import Refusal
from cifar_lab.run.config import (
    read_config,
    read_config_dir,
    read_overrides,
    read_recorded_config,
    resolved,
)
from cifar_lab.run.data import Data
from cifar_lab.run.drawn import DrawnFigure, read_drawn
from cifar_lab.run.files import read_object, read_text
from cifar_lab.run.folder import RecordedFolder, RunFolder
from cifar_lab.run.lr_finder import LrFinder
from cifar_lab.run.manifest import Manifest
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.predictions import Predictions, read_predictions
from cifar_lab.run.provenance import Provenance
from cifar_lab.run.status import Status, is_locked
from cifar_lab.run.summary import Summary
from cifar_lab.run.trust import Trust

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.explain.explained import Averaged, Explained


@dataclass(frozen=True)
class Run:
    """A run in its folder, or a recorded run. Creating an instance reads nothing.

    Each part is read on first access and then cached. Access raises ``Refusal`` if the file is
    missing, damaged or has another layout. To see later changes, create another ``Run``.

    Attributes:
        folder: paths of its files.
    """

    folder: RunFolder

    @functools.cached_property
    def manifest(self) -> Manifest | None:
        """Its id and files; None for a run from before runs had a manifest."""
        path = self.folder.manifest
        return read_object(path, Manifest) if path.is_file() else None

    @property
    def id(self) -> str | None:
        """Random, and its own from the claim on; None for a run from before runs had one."""
        return None if self.manifest is None else self.manifest.id

    @functools.cached_property
    def status(self) -> Status:
        """The last status that was written by the process that runs or ran it."""
        return read_object(self.folder.status, Status)

    @property
    def state(self) -> str:
        """``running``, ``done``, ``failed`` or ``interrupted``; ``died`` if its process is gone.

        A status that could not be read counts as ``died``, as no process is running. Without a
        status, the lock and the summary tell what they can.
        """
        if not self.folder.status.exists():
            return "running" if is_locked(self.folder) else "done" if self.finished else "died"
        try:
            state = self.status.state
        except Refusal:
            return "died"
        return "died" if state == "running" and not is_locked(self.folder) else state

    @functools.cached_property
    def summary(self) -> Summary:
        """The result; only finished runs have one."""
        return read_object(self.folder.summary, Summary)

    @functools.cached_property
    def provenance(self) -> Provenance:
        """The provenance: code, libraries, hardware, settings and data."""
        return read_object(self.folder.provenance, Provenance)

    @functools.cached_property
    def data(self) -> Data:
        """Description of its data set; older runs do not have it."""
        return read_object(self.folder.data, Data)

    @functools.cached_property
    def config_text(self) -> str:
        """The composed configuration as YAML."""
        return read_text(self.folder.config)

    @functools.cached_property
    def config_as_written(self) -> dict[str, Any]:
        """The configuration with its interpolations, converted to the current layout."""
        if isinstance(self.folder, RecordedFolder):
            return read_recorded_config(self.folder.config)
        return read_config(self.folder.config, self.config_text)

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The configuration as plain values."""
        if isinstance(self.folder, RecordedFolder):
            return self.config_as_written
        return resolved(self.folder.config, self.config_as_written)

    @functools.cached_property
    def overrides(self) -> list[str]:
        """The command line's overrides."""
        return read_overrides(self.folder.overrides)

    @functools.cached_property
    def config_dir(self) -> str | None:
        """The ``--config-dir`` that it was started with; None if it no longer exists."""
        return read_config_dir(self.folder.hydra)

    @functools.cached_property
    def metrics(self) -> Sequence[Row]:
        """One row per epoch, by column name."""
        return read_metrics(self.folder.metrics)

    @functools.cached_property
    def predictions(self) -> Predictions:
        """Logits, labels and sample ids of the reported checkpoint."""
        return read_predictions(self.folder.predictions)

    @functools.cached_property
    def model_table(self) -> str:
        """Table of layers, output shapes and parameters as text."""
        return read_text(self.folder.model_table).rstrip()

    @functools.cached_property
    def lr_finder(self) -> LrFinder | None:
        """Range tests before training; None if there were none."""
        path = self.folder.lr_finder
        return read_object(path, LrFinder) if path.is_file() else None

    @functools.cached_property
    def maps(self) -> Maps:
        """Its saved attribution maps."""
        return Maps(self.folder)

    @property
    def began(self) -> bool:
        """Whether it got as far as writing its provenance."""
        return self.folder.provenance.is_file()

    @property
    def finished(self) -> bool:
        """Whether it has a summary."""
        return self.folder.summary.is_file()


@dataclass(frozen=True)
class Maps:
    """Saved attribution maps of a run; each part is read on first access.

    Attributes:
        folder: of the run.
    """

    folder: RunFolder

    @functools.cached_property
    def gallery(self) -> list[Explained] | None:
        """Maps of the gallery's images at each layer; None if there are none in this layout."""
        from cifar_lab.run.maps import load_explained  # importing torch takes seconds

        return load_explained(self.folder.gallery_maps)

    @functools.cached_property
    def averaged(self) -> Averaged | None:
        """Maps averaged over a sample of test images; None likewise."""
        from cifar_lab.run.maps import load_averaged

        return load_averaged(self.folder.averaged_maps)

    @functools.cached_property
    def drawn(self) -> tuple[DrawnFigure, ...]:
        """The figures that ``explain`` drew, the latest last."""
        return read_drawn(self.folder)

    @functools.cached_property
    def trust(self) -> Trust | None:
        """Measurements of how far maps can be trusted; None if there are none."""
        path = self.folder.trust
        return read_object(path, Trust) if path.is_file() else None
