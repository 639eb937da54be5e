"""Compares runs image by image, on predictions that were kept with each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.pairs import Paired, paired
from cifar_lab.analysis.predictions import correct, predicted_classes, softmax
from cifar_lab.analysis.seeds import OtherImages, excess_variance, other_images
from cifar_lab.results.measures import Split
from cifar_lab.run.predictions import SplitPredictions
from cifar_lab.run.record import Run

#: Most runs whose predictions are compared: each takes ten milliseconds to unpack.
MOST_RUNS = 200


@dataclass(frozen=True)
class Flip:
    """An image that only one of two networks classifies correctly.

    Attributes:
        row: of the split's images.
        sample_id: permanent name.
        label: its class.
        first: class that the first network predicts.
        second: class that the second predicts.
        probability: that the network which is wrong gives to its prediction.
    """

    row: int
    sample_id: str
    label: int
    first: int
    second: int
    probability: float


@dataclass(frozen=True)
class Flips:
    """Two networks on the same images.

    Attributes:
        first, second: their runs.
        counts: of images, with McNemar's exact test.
        lost: images that only the first classifies correctly, the most confident error first.
        gained: images that only the second classifies correctly, likewise.
    """

    first: Run
    second: Run
    counts: Paired
    lost: tuple[Flip, ...]
    gained: tuple[Flip, ...]


@dataclass(frozen=True)
class ByImage:
    """One configuration on images.

    Attributes:
        recalls: of each class over all seeds, in 0 … 1, in the order of the labels; None without
            images.
        excess: variance of the error rate between seeds in excess of binomial, in squared shares;
            None for a single seed.
        other_images: accuracy minus that of the baseline, as other images would show it; None if
            either ran with a single seed, and for the baseline.
    """

    recalls: tuple[float | None, ...]
    excess: float | None
    other_images: OtherImages | None


def predictions_of(run: Run, split: Split) -> SplitPredictions | None:
    """Read the predictions of a run without keeping them in memory afterwards."""
    found: SplitPredictions | None = getattr(Run(run.folder).predictions, split)
    return found


def by_image(configurations: Sequence[Sequence[Run]], split: Split) -> list[ByImage] | None:
    """Compare configurations with the first one, image by image.

    Args:
        configurations: their runs, which are all judged by the same images.
        split: whose images.

    Returns:
        One result for each configuration; None if a run has no predictions for the split.

    Raises:
        Refusal: predictions could not be read.
    """
    hits, labels, classes = [], None, 0
    for runs in configurations:
        rows = []
        for run in runs:
            found = predictions_of(run, split)
            if found is None:
                return None
            labels, classes = found.labels, found.logits.shape[1]
            rows.append(correct(found.logits, found.labels))
        hits.append(np.stack(rows))  # (seeds, images)
    assert labels is not None, "there is at least one configuration"
    return [
        ByImage(
            recalls=_recalls(each, labels, classes),
            excess=excess_variance(each) if min(each.shape) > 1 else None,
            other_images=other_images(each, hits[0]) if number and each.shape[1] > 1 else None,
        )
        for number, each in enumerate(hits)
    ]


def _recalls(
    hits: NDArray[np.bool_], labels: NDArray[np.int64], classes: int
) -> tuple[float | None, ...]:
    of_each = [hits[:, labels == label] for label in range(classes)]
    return tuple(float(each.mean()) if each.size else None for each in of_each)


def flips(first: Run, second: Run, split: Split) -> Flips | None:
    """Compare two networks image by image; None if one has no predictions for the split.

    Raises:
        Refusal: predictions could not be read.
    """
    a, b = predictions_of(first, split), predictions_of(second, split)
    if a is None or b is None:
        return None
    right_a, right_b = correct(a.logits, a.labels), correct(b.logits, b.labels)
    return Flips(
        first,
        second,
        paired(right_a, right_b),
        lost=_flipped(right_a & ~right_b, a, b, wrong=b),
        gained=_flipped(~right_a & right_b, a, b, wrong=a),
    )


def _flipped(
    which: NDArray[np.bool_], a: SplitPredictions, b: SplitPredictions, wrong: SplitPredictions
) -> tuple[Flip, ...]:
    rows = np.flatnonzero(which)
    probabilities = softmax(wrong.logits[rows]).max(axis=1, initial=0.0)
    ordered = np.argsort(-probabilities, kind="stable")
    first, second = predicted_classes(a.logits), predicted_classes(b.logits)
    return tuple(
        Flip(
            row=int(rows[n]),
            sample_id=str(a.sample_ids[rows[n]]),
            label=int(a.labels[rows[n]]),
            first=int(first[rows[n]]),
            second=int(second[rows[n]]),
            probability=float(probabilities[n]),
        )
        for n in ordered
    )
