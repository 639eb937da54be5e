"""An epoch of ResNet18 by whole commands: ours, timm's train.py, and pytorch-cifar's main.py.

Shown only where ``BENCH_PEERS`` names a folder with clones of the two repositories.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks import ours, peers
from benchmarks.measure import Case, Different, Result, Settings, assert_same, compare
from benchmarks.peers.clones import VARIABLE, clone
from benchmarks.peers.timm_train import NAME
from benchmarks.processes import CIFAR_LAB, Finished, run

NOT_GIVEN = Result(None, notes=[f"{VARIABLE} does not name a folder of clones"])
BATCH_SIZE, LEARNING_RATE = 128, 0.05


#: Asserts what the outputs of both commands say to be equal, and returns a note.
Reader = Callable[[str, str, "Images"], str]


class Images(NamedTuple):
    """The same images in both forms that the scripts read.

    Attributes:
        folder: as ``train/<class>/*`` and ``test/<class>/*``.
        file: as arrays, ``train_images``, ``train_labels`` and so on.
        classes: number of classes.
        test: number of test images.
    """

    folder: Path
    file: Path
    classes: int
    test: int


def timm(settings: Settings) -> Result:
    """Asserts equally many parameters, then times both commands in turn."""
    script = clone("huggingface/pytorch-image-models", "train.py")
    if script is None:
        return NOT_GIVEN
    with tempfile.TemporaryDirectory() as name:
        images = _images(settings, Path(name))
        theirs = [
            *(sys.executable, peers.FOLDER / "timm_train.py", script),
            *("--data-dir", images.folder, "--train-split", "train", "--val-split", "test"),
            *("--model", NAME, "--num-classes", images.classes, "--img-size", 32),
            *("--batch-size", BATCH_SIZE, "--epochs", 1, "--warmup-epochs", 0),
            *("--cooldown-epochs", 0, "--opt", "sgd", "--lr", LEARNING_RATE),
            *("--weight-decay", 5e-4, "--smoothing", 0, "--color-jitter", 0),
            *(
                "--workers",
                2,
                "--no-prefetcher",
                "--device",
                "cpu",
                "--output",
                Path(name) / "timm",
            ),
        ]
        return _compared(settings, images, list(map(str, theirs)), _read_timm)


def pytorch_cifar(settings: Settings) -> Result:
    """Asserts equally many evaluated images, then times both commands in turn."""
    script = clone("kuangliu/pytorch-cifar", "main.py")
    if script is None:
        return NOT_GIVEN
    with tempfile.TemporaryDirectory() as name:
        images = _images(settings, Path(name))
        wrapper = peers.FOLDER / "pytorch_cifar_main.py"
        theirs = [sys.executable, wrapper, script, images.file, "--lr", LEARNING_RATE]
        return _compared(settings, images, list(map(str, theirs)), _read_pytorch_cifar)


def _compared(settings: Settings, images: Images, theirs: Sequence[str], read: Reader) -> Result:
    folder = images.folder.parent
    mine = [
        *(str(CIFAR_LAB), "train", "dataset=image_folder", f"dataset.root={images.folder}"),
        *("dataset.validation_fraction=0", "model=resnet18", "augmentation=crop_flip"),
        *("device=cpu", "trainer.precision=float32", "trainer.epochs=1", "report.enabled=false"),
        *(f"trainer.batch_size={BATCH_SIZE}", f"optimizer.lr={LEARNING_RATE}"),
    ]
    environment = {"CIFAR_LAB_CACHE": str(folder / "cache"), "CUDA_VISIBLE_DEVICES": ""}
    outputs: dict[str, str] = {}

    def side(name: str, command: Sequence[str]) -> float:
        finished: Finished = run(command, folder=folder, environment=environment)
        outputs[name] = finished.output
        return finished.wall_seconds

    result = compare(
        lambda: side("ours", mine), lambda: side("theirs", theirs), settings.size(3, 1)
    )
    note = read(outputs["ours"], outputs["theirs"], images)
    return result.noted(
        f"whole commands, start-up and evaluation included; {note}; ours reads images that an "
        "earlier run decoded"
    )


def _read_timm(mine: str, theirs: str, images: Images) -> str:
    """Asserts that both trained the same number of parameters."""
    counts = [
        found[1].replace(",", "")
        for text, pattern in (
            (mine, r"([\d,]+) parameters"),
            (theirs, r"param count: ?([\d,]+)"),
        )
        if (found := re.search(pattern, text))
    ]
    if len(counts) < 2:
        raise Different(f"a number of parameters was not printed: {theirs[-500:]!r}")
    assert_same("parameters", *counts)
    accuracies = re.findall(r"Acc@1:\s*[\d.]+\s*\(\s*([\d.]+)\)", theirs)
    return f"theirs ends with {accuracies[-1]} %" if accuracies else "theirs is not evaluated"


def _read_pytorch_cifar(mine: str, theirs: str, images: Images) -> str:
    """Asserts that both evaluated the same number of images."""
    accuracies = re.findall(r"Acc: ([\d.]+)% \(\d+/(\d+)\)", theirs)
    if not accuracies:
        raise Different(f"no accuracy was printed: {theirs[-500:]!r}")
    accuracy, count = accuracies[-1]
    assert_same("test images", images.test, int(count))
    return f"theirs ends with {accuracy} %"


def _images(settings: Settings, folder: Path) -> Images:
    """Writes some images of every class of both splits in both forms."""
    source = ours.experiment(*settings.images()).dataset.source
    arrays, classes = {}, source.train.class_names
    for split, count in (("train", settings.size(10_240, 128)), ("test", settings.size(2_000, 64))):
        found = getattr(source, split)
        # Far apart, as an image folder is in the order of its classes.
        rows = np.linspace(0, len(found) - 1, min(count, len(found))).astype(np.int64)
        pixels, labels = np.asarray(found.images[rows]), found.labels[rows]
        arrays |= {f"{split}_images": pixels, f"{split}_labels": labels}
        for name in classes:
            (folder / "images" / split / name).mkdir(parents=True)
        for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            path = folder / "images" / split / classes[label] / f"{number}.png"
            Image.fromarray(image).save(path)
    file = folder / "images.npz"
    np.savez(file, **arrays)
    return Images(folder / "images", file, len(classes), len(arrays["test_labels"]))


CASES = [
    Case(
        name=f"epoch-{name}",
        what="one epoch of ResNet18 by one command, 10,240 images, batch 128, float32",
        against=label,
        run=measure,
    )
    for name, label, measure in (
        ("timm", "timm's `train.py`, 2 workers", timm),
        ("pytorch-cifar", "pytorch-cifar's `main.py`, 2 workers", pytorch_cifar),
    )
]
