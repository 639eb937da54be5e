"""predictions.npz: predictions of the reported checkpoint for validation and test images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.held_out import SplitName
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import Reader, packed, read_arrays, refuse_missing

#: Names of the arrays; those of the validation images have the prefix ``VALIDATION``.
ARRAYS, VALIDATION = ("logits", "labels", "sample_ids"), "validation_"


@dataclass(frozen=True)
class SplitPredictions:
    """Predictions for one split.

    Attributes:
        logits: float32 ``(n, classes)``.
        labels: int64 ``(n,)``.
        sample_ids: str ``(n,)``.
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    sample_ids: NDArray[np.str_]


@dataclass(frozen=True)
class Predictions:
    """Predictions for both splits, of which there is at least one.

    Attributes:
        test: None while the test set stays closed.
        validation: None without such images, and in older runs.
    """

    test: SplitPredictions | None
    validation: SplitPredictions | None

    @property
    def evaluated(self) -> SplitPredictions:
        """Those that the results are of: of the test images, unless the test set stays closed."""
        found = self.validation if self.test is None else self.test
        assert found is not None, "otherwise the file is refused"
        return found

    @property
    def logits(self) -> NDArray[np.float32]:
        """Of the evaluated images, float32 ``(n, classes)``."""
        return self.evaluated.logits

    @property
    def labels(self) -> NDArray[np.int64]:
        """Likewise, int64 ``(n,)``."""
        return self.evaluated.labels

    @property
    def sample_ids(self) -> NDArray[np.str_]:
        """Likewise, str ``(n,)``."""
        return self.evaluated.sample_ids


def read_predictions(path: Path, read: Reader = Path.read_bytes) -> Predictions:
    """Reads what :func:`packed_predictions` packed.

    Raises:
        Refusal: it is missing or has another layout.
    """
    arrays = read_arrays(path, (), read)
    validated = all(f"{VALIDATION}{name}" in arrays for name in ARRAYS)
    closed = validated and not any(name in arrays for name in ARRAYS)
    if not closed:
        refuse_missing(path, ARRAYS, arrays)
    return Predictions(
        None if closed else _split(path, arrays, ""),
        _split(path, arrays, VALIDATION) if validated else None,
    )


def read_images(
    path: Path, split: SplitName, read: Reader = Path.read_bytes
) -> tuple[NDArray[np.int64], NDArray[np.str_]] | None:
    """Reads labels and sample ids of a split's images without unpacking the logits.

    Returns:
        int64 ``(n,)`` and str ``(n,)``; None if there are no predictions for the split.

    Raises:
        Refusal: the file is missing or has another layout.
    """
    names = [f"{VALIDATION if split == 'validation' else ''}{name}" for name in ARRAYS[1:]]
    arrays = read_arrays(path, (), read, names)
    if not arrays:
        return None
    refuse_missing(path, names, arrays)
    return arrays[names[0]], arrays[names[1]]


def packed_predictions(predictions: Predictions) -> bytes:
    """Packs the arrays, compressed; those of the test images without a prefix."""
    arrays = {} if predictions.test is None else dict(vars(predictions.test))
    if predictions.validation is not None:
        arrays |= {f"{VALIDATION}{k}": v for k, v in vars(predictions.validation).items()}
    return packed(arrays)


def _split(path: Path, arrays: dict[str, NDArray[Any]], prefix: str) -> SplitPredictions:
    logits, labels, sample_ids = (arrays[f"{prefix}{name}"] for name in ARRAYS)
    kinds = (logits.dtype.kind, labels.dtype.kind, sample_ids.dtype.kind)
    fits = kinds == ("f", "i", "U") and logits.ndim == 2 and len(logits) == len(labels)
    if not fits or labels.shape != (len(logits),) or sample_ids.shape != labels.shape:
        raise Refusal(
            f"{path} could not be read: {prefix}logits {logits.dtype}{logits.shape}, labels "
            f"{labels.dtype}{labels.shape} and sample_ids {sample_ids.shape} do not belong "
            "together; restore a copy of it, or compute it again with `cifar-lab rerun`"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < logits.shape[1]:
        raise Refusal(
            f"{path} could not be read: {prefix}labels must be 0 to {logits.shape[1] - 1}, got "
            f"{labels.min()} to {labels.max()}; restore a copy of it"
        )
    return SplitPredictions(logits, labels, sample_ids)
