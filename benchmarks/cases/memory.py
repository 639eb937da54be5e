"""Peak memory of training on an image folder ten times as large as CIFAR."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.cases.start_up import _pictures
from benchmarks.measure import Case, Different, Result, Settings
from benchmarks.processes import CIFAR_LAB, Finished, run

COPIES = 10
PIXELS = 32 * 32 * 3


def measure(settings: Settings, decoded: bool) -> Result:
    """Trains a few steps on a small and a large folder; relates memory growth to added pixels.

    What both have in common, e.g. torch itself, cancels. A value of 1 means that memory contains
    every pixel once.

    Args:
        settings: size of the measurement.
        decoded: whether an earlier run has decoded the images, as for all runs but the first.
    """
    # Next to the images, as files can only be linked within one file system.
    beside = None if settings.root is None else Path(settings.root).resolve().parent
    with tempfile.TemporaryDirectory(dir=beside) as name:
        folder = Path(name)
        small = Path(settings.root) if settings.root else _pictures(folder / "small")
        large = folder / "large"
        counts = [_count(small), multiply(small, large)]
        peaks = [_peak(root, folder, decoded) for root in (small, large)]
    pixels = (counts[1] - counts[0]) * PIXELS
    own = peaks[1].peak_anonymous_bytes - peaks[0].peak_anonymous_bytes
    return Result(own / pixels, pairs=1).noted(
        f"{counts[1]:,} training images, {counts[1] * PIXELS / 1e9:.2f} GB of pixels: peak "
        f"{peaks[1].peak_anonymous_bytes / 1e9:.2f} GB anonymous, {peaks[1].peak_bytes / 1e9:.2f} "
        "GB including pages of mapped files, which the kernel may drop",
        f"{counts[0]:,} images: {peaks[0].peak_anonymous_bytes / 1e9:.2f} and "
        f"{peaks[0].peak_bytes / 1e9:.2f} GB",
        f"wall time of a run of two batches: {peaks[1].wall_seconds:.0f} s against "
        f"{peaks[0].wall_seconds:.0f} s",
    )


def multiply(small: Path, large: Path) -> int:
    """Links training images several times, test images once; returns the number of the former."""
    shutil.copytree(small / "test", large / "test", copy_function=os.link)
    for file in (small / "train").glob("*/*"):
        folder = large / "train" / file.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        for copy in range(COPIES):
            os.link(file, folder / f"{copy}_{file.name}")
    return _count(large)


def _peak(root: Path, folder: Path, decoded: bool) -> Finished:
    """Measures a short run, after another run has decoded the images if ``decoded``."""
    cache = folder / f"cache-{root.name}"
    command = [
        CIFAR_LAB,
        "train",
        "dataset=image_folder",
        f"dataset.root={root}",
        f"dataset.cache_dir={cache}",
        "model.width=8",
        "trainer.batch_size=64",
        "trainer.limit_batches=2",
        "trainer.limit_epochs=1",
        "report.enabled=false",
    ]
    if decoded:
        run(command, folder=folder)
    finished = run(command, folder=folder, watch_memory=True)
    if not any(folder.glob("outputs/default/*/*/summary.json")):
        raise Different(f"the run on {root} left no summary")
    return finished


def _count(root: Path) -> int:
    return sum(1 for _ in (root / "train").glob("*/*"))


CASES = [
    Case(
        name=f"memory-{name}",
        what=f"memory growth for ten times CIFAR-10's training images, {label}",
        against="size of the added pixels",
        run=functools.partial(measure, decoded=decoded),
        unit="times",
    )
    for name, label, decoded in (
        ("first-run", "first run (decodes them)", False),
        ("later-runs", "later runs", True),
    )
]
