"""The folder of a sweep: the only place that names its files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cifar_lab.run.folder import RunFolder


@dataclass(frozen=True)
class SweepFolder:
    """Paths of a sweep's files. Its jobs are run folders below it."""

    path: Path

    @property
    def plan(self) -> Path:
        """What it runs; a folder with this file is that of a sweep."""
        return self.path / "sweep.json"

    @property
    def hydra(self) -> Path:
        """Hydra's own settings of its jobs."""
        return self.path / "frozen" / "hydra.json"

    def frozen(self, number: int) -> Path:
        """What a job was composed to."""
        return self.path / "frozen" / f"{number:04}.json"

    @property
    def rows(self) -> Path:
        """The result of each job that has ended, a line each; of several, the last one counts."""
        return self.path / "rows.jsonl"

    @property
    def leaderboard_csv(self) -> Path:
        return self.path / "leaderboard.csv"

    @property
    def leaderboard_markdown(self) -> Path:
        return self.path / "leaderboard.md"

    @property
    def page(self) -> Path:
        return self.path / "sweep.html"

    @property
    def page_markdown(self) -> Path:
        return self.path / "sweep.md"

    @property
    def study(self) -> Path:
        """The trials of a search in Optuna's format, an SQLite database."""
        return self.path / "search.db"

    @property
    def importances(self) -> Path:
        """How much each key of a search matters."""
        return self.path / "search.json"

    @property
    def log(self) -> Path:
        """What its jobs' processes printed."""
        return self.path / "sweep.log"

    @property
    def note(self) -> Path:
        """What somebody says of the sweep; the ledger shows it."""
        return self.path / "note.txt"

    @property
    def lock(self) -> Path:
        """Locked by the process that runs the sweep."""
        return self.path / ".lock"

    @property
    def rows_lock(self) -> Path:
        """Locked while the rows and the leaderboard are replaced."""
        return self.path / ".rows.lock"

    @property
    def trackers_lock(self) -> Path:
        """Locked while a tracker looks for the sweep's own run, or creates it."""
        return self.path / ".trackers.lock"

    @property
    def stop(self) -> Path:
        """While it exists, no further job starts."""
        return self.path / "STOP"

    @property
    def running(self) -> Path:
        """Holds the process id of each job that runs, by its number."""
        return self.path / ".running"

    def job(self, name: str) -> RunFolder:
        """The folder of a job."""
        return RunFolder(self.path / name)

    def confirmation(self, number: int) -> SweepFolder:
        """The folder of a confirmation, from 1."""
        return SweepFolder(self.path / f"confirm-{number}")

    def exists(self) -> bool:
        """Whether a sweep was planned here."""
        return os.path.isfile(self.plan)
