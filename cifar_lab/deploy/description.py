"""bundle.json: what a bundle holds, and what is known about its network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cifar_lab.bounds import Count, NonNegativeInt, UnitInterval
from cifar_lab.deploy.usage import Usage
from cifar_lab.wording import shortened

#: Format number of the file.
FORMAT = 1
#: Largest height and width of the images, in pixels.
LARGEST_SIDE = 1024
#: Most images in a batch.
LARGEST_BATCH = 65_536
#: Most pixels of all images that it shows.
MOST_PIXELS = 100_000_000


@dataclass(frozen=True)
class Architecture:
    """Which network it is.

    Attributes:
        name: one of ``ARCHITECTURES``, or the dotted name of a class or function of the user's own.
        arguments: plain values, with which it is called.
        own: whether it is the user's own, from the bundle's copies of Python files.
    """

    name: str
    arguments: dict[str, Any]
    own: bool


@dataclass(frozen=True)
class Scores:
    """The result on the images of a split.

    Attributes:
        accuracy: share of images that are classified correctly, 0 to 1.
        loss: mean over images, in nats; None if it was not a finite number.
        count: number of images.
    """

    accuracy: UnitInterval
    loss: float | None
    count: Count


@dataclass(frozen=True)
class Shown:
    """An image of the data set, kept in the bundle as the network sees it.

    Attributes:
        file: path of the PNG file in the bundle.
        sample_id: in the data set.
        label: its class.
        predicted: the class that the network predicted when it was evaluated.
    """

    file: str
    sample_id: str
    label: NonNegativeInt
    predicted: NonNegativeInt


@dataclass(frozen=True)
class Module:
    """A Python file of the user's own: the module's dotted name, and its path in the bundle."""

    name: str
    file: str


@dataclass(frozen=True)
class Description:
    """What a bundle holds, and what is known about its network.

    Attributes:
        name: of the experiment.
        run: id of the run that trained the network; None for an old run.
        created: when the bundle was written, ISO 8601 in UTC.
        made_with: version of this package.
        architecture: which network it is.
        usage: how it is used.
        layers: its layers worth explaining, shallow to deep.
        parameters: how many it has.
        validation: its result on the validation images; None without them.
        test: its result on the test images; None if they stayed closed.
        evaluated: ``test`` or ``validation``: the split that the images below are from.
        examples: one image of each class, of at most ten classes.
        misclassified: those with the highest confidence first.
        misclassified_total: how many images of the split are misclassified.
        float32_changes: share of the split's predictions that are different in float32; None if the
            network was evaluated in it.
        modules: Python files of the user's own.
    """

    name: str
    run: str | None
    created: str
    made_with: str
    architecture: Architecture
    usage: Usage
    layers: tuple[str, ...]
    parameters: Count
    validation: Scores | None
    test: Scores | None
    evaluated: str
    examples: tuple[Shown, ...]
    misclassified: tuple[Shown, ...]
    misclassified_total: Count
    float32_changes: UnitInterval | None
    modules: tuple[Module, ...]


def contradictions(described: Description) -> list[str]:
    """Return what is wrong with values that have the right types, a sentence each."""
    usage, classes = described.usage, len(described.usage.class_names)
    architecture, modules = described.architecture, [each.name for each in described.modules]
    shown = (*described.examples, *described.misclassified)
    stated = architecture.arguments.get("num_classes", classes)
    stated_size = architecture.arguments.get("image_size", list(usage.image_size))
    files, names = [each.file for each in shown], usage.class_names
    height, width = usage.image_size
    losses = [each.loss for each in (described.validation, described.test) if each is not None]
    numbers = [each for each in (*losses, usage.energy_limit) if each is not None]
    wrong = {
        "usage.class_names is empty": not classes,
        f"there are {classes} class names for {stated} classes": stated != classes,
        "usage.class_names names a class twice": len(set(names)) != len(names),
        f"usage.image_size must be at most {LARGEST_SIDE}": max(height, width) > LARGEST_SIDE,
        f"usage.batch_size must be at most {LARGEST_BATCH:,}": usage.batch_size > LARGEST_BATCH,
        "usage.image_size is not that of the architecture": stated_size != [height, width],
        f"architecture {shortened(architecture.name)} is in no Python file of the bundle": (
            architecture.own and architecture.name.rpartition(".")[0] not in modules
        ),
        "losses and usage.energy_limit must be finite": not all(map(math.isfinite, numbers)),
        "usage.mean must be finite": not all(map(math.isfinite, usage.mean)),
        "usage.std must be finite and positive": not all(0 < s < math.inf for s in usage.std),
        "evaluated must be test or validation": described.evaluated not in ("test", "validation"),
        "an image is of a class that has no name": any(
            max(each.label, each.predicted) >= classes for each in shown
        ),
        "a file is named for two images": len(set(files)) != len(files),
        f"its images have more than {MOST_PIXELS:,} pixels together": (
            len(shown) * height * width > MOST_PIXELS
        ),
    }
    return [problem for problem, is_so in wrong.items() if is_so]
