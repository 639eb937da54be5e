"""Typed access to the files of a run of any version; each file is read at most once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cifar_lab.refusal import Refusal
from cifar_lab.run.code import Code
from cifar_lab.run.config import (
    pinned,
    read_choices,
    read_config,
    read_overrides,
    read_recorded_config,
    resolved,
)
from cifar_lab.run.data import Data
from cifar_lab.run.drawn import DrawnFigure, read_drawn
from cifar_lab.run.files import read_object, read_text
from cifar_lab.run.folder import RecordedFolder, RunFolder
from cifar_lab.run.labels import Labels
from cifar_lab.run.lr_finder import LrFinder
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.mine import is_mine
from cifar_lab.run.predictions import Predictions, SplitPredictions, read_predictions
from cifar_lab.run.provenance import Provenance
from cifar_lab.run.robustness import Robustness
from cifar_lab.run.status import Status, is_locked
from cifar_lab.run.store import Store
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
    def files(self) -> Store:
        """Reads and writes its files, and holds them against its manifest."""
        return Store(self.folder)

    @property
    def id(self) -> str | None:
        """Random, and its own from the claim on; None for a run from before runs had one."""
        return self.files.id

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
        return read_object(self.folder.summary, Summary, self.files.read)

    @functools.cached_property
    def provenance(self) -> Provenance:
        """The provenance: code, libraries, hardware, settings and data."""
        return read_object(self.folder.provenance, Provenance, self.files.read)

    @functools.cached_property
    def data(self) -> Data:
        """Description of its data set; older runs do not have it."""
        return read_object(self.folder.data, Data, self.files.read)

    @functools.cached_property
    def config_text(self) -> str:
        """The composed configuration as YAML."""
        return read_text(self.folder.config, self.files.read)

    @functools.cached_property
    def config_saved(self) -> dict[str, Any]:
        """The configuration as it was saved, converted to the current layout.

        It is resolved except for places; older runs kept all of their interpolations.
        """
        if isinstance(self.folder, RecordedFolder):
            return read_recorded_config(self.folder.config, self.files.read)
        return read_config(self.folder.config, self.config_text)

    @functools.cached_property
    def config_to_change(self) -> dict[str, Any]:
        """The configuration with its interpolations of other keys, which follow when these change.

        What was interpolated from the environment has the value that the run had.
        """
        path = self.folder.written
        if not path.is_file():
            return self.config_saved
        text = read_text(path, self.files.read)
        return pinned(read_config(path, text), self.config_saved)

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The configuration as plain values."""
        if isinstance(self.folder, RecordedFolder):
            return self.config_saved
        return resolved(self.folder.config, self.config_saved)

    @functools.cached_property
    def overrides(self) -> list[str]:
        """The command line's overrides."""
        return read_overrides(self.folder.overrides, self.files.read)

    @functools.cached_property
    def choices(self) -> dict[str, Any]:
        """The option that was chosen of each group; empty if Hydra's settings were not kept."""
        path = self.folder.hydra
        return read_choices(path, self.files.read) if self.files.has(path) else {}

    @functools.cached_property
    def labels(self) -> Labels:
        """Its tags and its note."""
        path = self.folder.labels
        return read_object(path, Labels, self.files.read) if self.files.has(path) else Labels.none()

    @functools.cached_property
    def code(self) -> Code | None:
        """Modules and options of the user's own that it used; None without any, in older runs too.

        Not to be believed unless it ``is_mine``.
        """
        path = self.folder.code
        return read_object(path, Code, self.files.read) if path.is_file() else None

    @property
    def is_mine(self) -> bool:
        """Whether this user made it on this machine, with the code that it now names."""
        if self.id is None or self.code is None:
            return False
        return is_mine(self.id, self.files.read(self.folder.code).decode())

    @functools.cached_property
    def metrics(self) -> Sequence[Row]:
        """One row per epoch, by column name."""
        return read_metrics(self.folder.metrics, self.files.read)

    @functools.cached_property
    def predictions(self) -> Predictions:
        """Logits, labels and sample ids of the reported checkpoint."""
        return read_predictions(self.folder.predictions, self.files.read)

    @property
    def evaluated(self) -> SplitPredictions:
        """The predictions that its results are of: for the test images, unless these stay closed.

        Raises:
            Refusal: there are none for that split.
        """
        split = self.summary.evaluated
        found: SplitPredictions | None = getattr(self.predictions, split)
        if found is None:
            raise Refusal(
                f"{self.folder.predictions} has no predictions for the {split} images, which "
                "summary.json says were evaluated; restore a copy of it"
            )
        return found

    @functools.cached_property
    def model_table(self) -> str:
        """Table of layers, output shapes and parameters as text."""
        return read_text(self.folder.model_table, self.files.read).rstrip()

    @functools.cached_property
    def lr_finder(self) -> LrFinder | None:
        """Range tests before training; None if there were none."""
        path = self.folder.lr_finder
        return read_object(path, LrFinder, self.files.read) if self.files.has(path) else None

    @functools.cached_property
    def robustness(self) -> Robustness | None:
        """Results on corrupted or on other test images; None if there are none."""
        path = self.folder.robustness
        return read_object(path, Robustness, self.files.read) if self.files.has(path) else None

    @functools.cached_property
    def maps(self) -> Maps:
        """Its saved attribution maps."""
        return Maps(self.files)

    @property
    def began(self) -> bool:
        """Whether it got as far as writing its provenance."""
        return self.files.has(self.folder.provenance)

    @property
    def finished(self) -> bool:
        """Whether it has a summary."""
        return self.files.has(self.folder.summary)


@dataclass(frozen=True)
class Maps:
    """Saved attribution maps of a run; each part is read on first access.

    Attributes:
        files: of the run.
    """

    files: Store

    @functools.cached_property
    def gallery(self) -> list[Explained] | None:
        """Maps of the gallery's images at each layer; None if there are none in this layout."""
        from cifar_lab.run.maps import unpacked_explained  # importing torch takes seconds

        path = self.files.folder.gallery_maps
        return unpacked_explained(path, self.files.read(path)) if path.is_file() else None

    @functools.cached_property
    def averaged(self) -> Averaged | None:
        """Maps averaged over a sample of the evaluated images; None likewise."""
        from cifar_lab.run.maps import unpacked_averaged

        path = self.files.folder.averaged_maps
        return unpacked_averaged(path, self.files.read(path)) if path.is_file() else None

    @functools.cached_property
    def drawn(self) -> tuple[DrawnFigure, ...]:
        """The figures that ``explain`` drew, the latest last."""
        return read_drawn(self.files)

    @functools.cached_property
    def trust(self) -> Trust | None:
        """Measurements of how far maps can be trusted; None if there are none."""
        path = self.files.folder.trust
        return read_object(path, Trust, self.files.read) if path.is_file() else None
