"""The run folder: the only place that names the files of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Folder of all runs, below the current folder.
OUTPUTS = Path("outputs")
#: Name of the link to the newest run, in the folder of all runs.
LATEST = "latest"


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files. Creating an instance does not access the disk."""

    path: Path

    @property
    def config(self) -> Path:
        """The composed configuration."""
        return self.path / ".hydra" / "config.yaml"

    @property
    def overrides(self) -> Path:
        """The command line's overrides."""
        return self.path / ".hydra" / "overrides.yaml"

    @property
    def hydra(self) -> Path:
        """Hydra's own settings of the run."""
        return self.path / ".hydra" / "hydra.yaml"

    @property
    def status(self) -> Path:
        return self.path / "status.json"

    @property
    def manifest(self) -> Path:
        """The run's id, and size and hash of its files."""
        return self.path / "manifest.json"

    @property
    def lock(self) -> Path:
        """Locked by the process that runs here."""
        return self.path / ".lock"

    @property
    def provenance(self) -> Path:
        return self.path / "provenance.json"

    @property
    def log(self) -> Path:
        return self.path / "run.log"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def data(self) -> Path:
        """What is needed to use its network without its images."""
        return self.path / "data.json"

    @property
    def model_table(self) -> Path:
        return self.path / "model.txt"

    @property
    def last_checkpoint(self) -> Path:
        return self.path / "checkpoints" / "last.pt"

    @property
    def best_checkpoint(self) -> Path:
        return self.path / "checkpoints" / "best.pt"

    @property
    def predictions(self) -> Path:
        return self.path / "predictions.npz"

    @property
    def lr_finder(self) -> Path:
        """Results of the learning-rate range tests."""
        return self.path / "lr_finder.json"

    @property
    def lr_finder_figure(self) -> Path:
        """Figure of the range tests, by ``find-lr`` only; a run shows it in its report."""
        return self.path / "lr_finder.png"

    @property
    def gallery_maps(self) -> Path:
        """Maps of the images in the report's gallery."""
        return self.attributions("gallery")

    @property
    def averaged_maps(self) -> Path:
        return self.attributions("averages")

    @property
    def trust(self) -> Path:
        """How far the maps can be trusted, by ``explain RUN --trust``."""
        return self.path / "attributions" / "trust.json"

    def attributions(self, name: str) -> Path:
        """Signed maps by name, without extension."""
        return self.path / "attributions" / f"{name}.npz"

    @property
    def profile(self) -> Path:
        """A trace of a few training steps, by ``debug=profile``."""
        return self.path / "profile.json"

    def figure(self, name: str) -> Path:
        """A figure by name, without extension."""
        return self.path / "figures" / f"{name}.png"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def report_markdown(self) -> Path:
        return self.path / "report.md"

    def draws_again(self, path: Path) -> bool:
        """Whether a file can be made again from the others, by ``report`` or ``explain``."""
        drawn = (self.path / "figures", self.path / "attributions")
        return path.parent in drawn or path in (self.report, self.report_markdown)

    @classmethod
    def below_current(cls, path: str) -> RunFolder:
        """The folder with a relative path if it is below the current one, else an absolute path."""
        absolute, here = Path(path).absolute(), Path.cwd()
        return cls(absolute.relative_to(here) if here in absolute.parents else absolute)

    def exists(self) -> bool:
        """Whether a run was ever started here."""
        return self.status.is_file()


@dataclass(frozen=True)
class RecordedFolder(RunFolder):
    """Paths of a recorded run in ``experiments/results/``, which keeps some files of a run folder.

    These have the same names and contents, except for the configuration, which is resolved.
    """

    @property
    def config(self) -> Path:
        """The configuration as plain values."""
        return self.path / "config.json"
