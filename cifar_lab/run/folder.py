"""The run folder: every file name of a run stands here, once."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_lab.refusal import Refusal

#: Name of the link, in the folder of all runs, to the newest run.
LATEST = "latest"


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files. Making one touches nothing."""

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
    def lock(self) -> Path:
        """Held by the process that runs here."""
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
        """What range tests of the learning rate found."""
        return self.path / "lr_finder.json"

    @property
    def lr_finder_figure(self) -> Path:
        """Beside it, by ``find-lr``; a run's is in its report."""
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
        """Signed maps by name, without its ending."""
        return self.path / "attributions" / f"{name}.npz"

    @property
    def profile(self) -> Path:
        """A trace of a few training steps, by ``debug=profile``."""
        return self.path / "profile.json"

    def figure(self, name: str) -> Path:
        """A figure by name, without its ending."""
        return self.path / "figures" / f"{name}.png"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def report_markdown(self) -> Path:
        return self.path / "report.md"

    @classmethod
    def below_current(cls, path: str) -> RunFolder:
        """The folder as a person would write it: relative where it lies below the current one."""
        absolute, here = Path(path).absolute(), Path.cwd()
        return cls(absolute.relative_to(here) if here in absolute.parents else absolute)

    def exists(self) -> bool:
        """Whether a run was ever begun here."""
        return self.status.is_file()


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file whole or not at all; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes a value as JSON, atomically."""
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Reads a JSON file of a run.

    Raises:
        Refusal: the file is missing or no JSON.
    """
    try:
        value = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise Refusal(f"{path} is no JSON: {error}; is this a finished run?") from error
    if not value:
        raise Refusal(f"{path} is empty; is this a finished run?")
    return value


def read_text(path: Path) -> str:
    """Reads a text file of a run.

    Raises:
        Refusal: the file is missing or no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Refusal(f"{path} cannot be read: {error}; is this a finished run?") from error


def point_latest(outputs: Path, run: Path) -> None:
    """Switches ``outputs/latest`` to a run, atomically; needs links, does nothing without."""
    temporary = outputs / f".{LATEST}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(os.path.relpath(run, outputs), target_is_directory=True)
        os.replace(temporary, outputs / LATEST)
    except OSError:
        temporary.unlink(missing_ok=True)


def find_runs(outputs: Path) -> Iterator[RunFolder]:
    """Every run below a folder, by name and then by time."""
    for status in sorted(outputs.rglob("status.json")):
        if LATEST not in status.relative_to(outputs).parts:
            yield RunFolder(status.parent)


def find_run(outputs: Path, text: str) -> RunFolder:
    """The run that a person means.

    Args:
        outputs: the folder of all runs.
        text: a run's path; ``latest``; ``best``, by validation accuracy; or a part of one run's
            path.

    Raises:
        Refusal: no run, or several, fit.
    """
    # Resolved, so that a link or a dot does not become a run's name.
    for path in (Path(text), *([outputs / LATEST] if text == LATEST else [])):
        if RunFolder(path).exists():
            return RunFolder.below_current(str(path.resolve()))
    runs = list(find_runs(outputs))
    if text == "best":
        return _best(outputs, runs)
    fitting = [run for run in runs if text in run.path.as_posix()]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        shown = ", ".join(run.path.as_posix() for run in fitting[:5])
        raise Refusal(
            f"RUN={text} fits {len(fitting)} runs: {shown}; give a longer part of one path"
        )
    raise Refusal(
        f"RUN={text} is no run below {outputs}/ ({len(runs)} there); give a path, 'latest', 'best' "
        "or a part of a path; `cifar-lab ls` lists the runs"
    )


def _best(outputs: Path, runs: list[RunFolder]) -> RunFolder:
    ranked = []
    for run in runs:
        with contextlib.suppress(Refusal, KeyError):  # unfinished or damaged
            validation = read_json(run.summary)["validation"]
            if validation is not None:
                ranked.append((validation["accuracy"], run))
    if not ranked:
        raise Refusal(
            f"RUN=best: no finished run below {outputs}/ has a validation split to be ranked by"
        )
    return max(ranked, key=lambda pair: pair[0])[1]
