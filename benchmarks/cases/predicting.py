"""Predictions of files against decoding the same files alone, with a network that costs nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measure import (
    Case,
    Result,
    Settings,
    arithmetic_mean,
    assert_same,
    compare,
    timed,
)
from cifar_lab.cli.classifiers import cores
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.finding import Handed, listed
from cifar_lab.deploy.predicting import read
from cifar_lab.deploy.usage import Usage
from cifar_lab.recipe.predict import Wanted, predict

#: A network of ten classes for CIFAR's images.
USAGE = Usage(
    class_names=tuple(f"class {number}" for number in range(10)),
    image_size=(32, 32),
    mean=(0.5, 0.5, 0.5),
    std=(0.2, 0.2, 0.2),
    precision="float32",
    flips=False,
    channels_last=False,
    batch_size=1000,
    threads=1,
    layer=None,
    energy_limit=0.0,
    energy_images=1,
)


class Means(nn.Module):
    """Takes the mean of each channel as a logit, and no time."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(3, 10))

    def forward(self, images: Tensor) -> Tensor:
        """Map ``(batch, 3, height, width)`` to ``(batch, 10)``."""
        return images.mean((2, 3)) @ self.weights


def run(settings: Settings) -> Result:
    """Asserts that every file has a row, then times rows and decoding in turn."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # on disk: /tmp may be in memory
        _write(Path(name), settings)
        images = listed([name]).images
        rows: list[str] = []
        assert_same("rows", _rows(images, rows), len(images))
        assert_same("names", [row["image"] for row in json.loads("".join(rows))], _names(images))
        assert_same("images", _decoded(images), len(images))
        result = compare(
            timed(lambda: _rows(images, [])),
            timed(lambda: _decoded(images)),
            pairs=settings.size(8, 2),
        )
    rates = [len(images) / arithmetic_mean(side)[0] for side in (result.ours, result.theirs)]
    return result.noted(f"images/s: {rates[0]:,.0f} against {rates[1]:,.0f}")


def _write(folder: Path, settings: Settings) -> None:
    """Writes PNG files: test images of CIFAR-10 or, in a quick run, noise."""
    from PIL import Image

    count = settings.size(10_000, 20)
    if settings.root is None:
        noise = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        pictures = [Image.fromarray(pixels) for pixels in noise]
    else:
        files = listed([str(Path(settings.root, "test"))]).images[:count]
        pictures = [Image.open(each.file).convert("RGB") for each in files]
    for number, picture in enumerate(pictures):
        picture.save(folder / f"{number:05}.png")


def _rows(images: list[Handed], text: list[str]) -> int:
    wanted = Wanted("json", top=5, logits=False, output=None, pictures=None)
    classifier = Classifier(Means().eval(), USAGE)
    found = predict(classifier, images, wanted, None, cores(), text.append)
    return sum(each for each in found if isinstance(each, int))


def _decoded(images: list[Handed]) -> int:
    found = read(images, USAGE.image_size, cores(), 2 * USAGE.batch_size)
    return sum(1 for _ in found)


def _names(images: list[Handed]) -> list[str]:
    return [each.name for each in images]


CASES = [
    Case(
        name="predict-files",
        what="rate of classifying 10,000 PNG files with a network that costs nothing",
        against="decoding them alone",
        run=run,
    )
]
