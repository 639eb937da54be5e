"""The run folder: the only place that names the files of a run."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_lab.refusal import Refusal

#: Folder of all runs, below the current folder.
OUTPUTS = Path("outputs")
#: Name of the link to the newest run, in the folder of all runs.
LATEST = "latest"
#: Longest name of a file, in characters without its extension: file systems allow 255 bytes.
LONGEST_NAME = 100


def file_name(*parts: str) -> str:
    """Join the non-empty parts into a file name without extension, of at most 100 characters.

    Names that had to be shortened, or that contain other characters than letters, digits, ``_``
    and ``.``, end in a hash of the parts, so that different parts have different names.
    """
    shown = [part for part in parts if part]
    name = "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", part) for part in shown)
    if len(name) <= LONGEST_NAME and all(re.fullmatch(r"[A-Za-z0-9_.]+", part) for part in shown):
        return name
    hashed = hashlib.sha256("\0".join(shown).encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}-{hashed}"


def below_current(path: Path) -> Path:
    """A relative path if it is below the current folder, else an absolute one."""
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here) if here in absolute.parents else absolute


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files. Creating an instance does not access the disk."""

    path: Path

    @property
    def config(self) -> Path:
        """The composed configuration, resolved except for places."""
        return self.path / ".hydra" / "config.yaml"

    @property
    def written(self) -> Path:
        """The composed configuration, with its interpolations as they were written."""
        return self.path / ".hydra" / "written.yaml"

    @property
    def code(self) -> Path:
        """Where modules and options of the user's own lie."""
        return self.path / ".hydra" / "code.json"

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
    def labels(self) -> Path:
        """Tags and a note, by ``tag`` and ``note``."""
        return self.path / "labels.json"

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
    def robustness(self) -> Path:
        """Results on corrupted or on other test images, by ``eval RUN --on``."""
        return self.path / "robustness.json"

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

    @property
    def drawn_figures(self) -> Path:
        """Which figures ``explain RUN`` drew, and what they show."""
        return self.path / "attributions" / "figures.json"

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

    def hook_file(self, hook: str, name: str) -> Path:
        """A file that a hook writes, by the name of the hook and its own."""
        return self.path / "hooks" / hook / name

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
        return cls(below_current(Path(path)))

    def exists(self) -> bool:
        """Whether a run was ever started here; either of its first files tells."""
        return os.path.isfile(self.status) or os.path.isfile(self.config)

    def require(self) -> None:
        """Fails if the folder was deleted or moved; a write would create an empty one again.

        Raises:
            FileNotFoundError: it is gone.
        """
        if not self.path.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path))

    def refuse_links(self) -> None:
        """Refuses a folder with a link inside, which could lead a write to any other file.

        The path of the folder itself may lead through links.

        Raises:
            Refusal: it contains a link, a pipe or a device; the message names each.
        """
        odd = [
            f"{entry.path} is {_kind(entry)}, and nothing is read or written through one; put "
            "what it stands for in its place, or delete it"
            for entry in _entries(self.path)
            if not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False))
        ]
        if odd:
            raise Refusal(odd)


@dataclass(frozen=True)
class RecordedFolder(RunFolder):
    """Paths of a recorded run in ``experiments/results/``, which keeps some files of a run folder.

    These have the same names and contents, except for the configuration, which is resolved.
    """

    @property
    def config(self) -> Path:
        """The configuration as plain values."""
        return self.path / "config.json"


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder, sorted; links are not followed."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(Path(entry.path))


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return f"a link to {os.readlink(entry.path)}"
    return "a pipe" if stat.S_ISFIFO(entry.stat(follow_symlinks=False).st_mode) else "a device"
