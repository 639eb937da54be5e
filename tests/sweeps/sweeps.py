"""Command lines of tiny sweeps, and what they leave."""

from __future__ import annotations

import csv
from pathlib import Path

from cifar_lab.results.plan import Plan, read_plan
from cifar_lab.results.rows import Row, read_rows
from cifar_lab.run.sweep_folder import SweepFolder
from tests.conftest import BESIDE

#: Two batches of digits through a tiny network, in float32 and without a report.
TINY = [
    "dataset=digits", "model=three_block", "model.widths=[4,4,4]", "augmentation=none",
    "trainer.epochs=1", "trainer.limit_batches=2", "trainer.batch_size=64",
    "trainer.precision=float32", "report.enabled=false", "name=tiny",
]  # fmt: skip
HERE = "hydra.sweep.dir=outputs/here"


def troubles(folder: Path, kinds: str) -> list[str]:
    """Overrides for a criterion that makes trouble, one job a kind."""
    return [
        *BESIDE,
        "~criterion.label_smoothing",
        "criterion._target_=tests.sweeps.trouble.Trouble",
        f"+criterion.folder={folder}",
        f"+criterion.kind={kinds}",
    ]


def found(path: str = "outputs/here") -> tuple[SweepFolder, Plan, dict[str, Row]]:
    """The sweep in a folder: its plan, and its rows by the name of the job."""
    folder = SweepFolder(Path(path))
    plan, rows = read_plan(folder), read_rows(folder)
    return folder, plan, {job.name: rows[job.number] for job in plan.jobs if job.number in rows}


def board(folder: SweepFolder) -> list[dict[str, str]]:
    """The leaderboard without what a clock measured."""
    with folder.leaderboard_csv.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        del row["training_seconds_mean"]
    return rows
