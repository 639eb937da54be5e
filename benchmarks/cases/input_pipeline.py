"""Augmented, normalised batches against peers that augment image by image, or whole batches."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks import ours, peers
from benchmarks.measure import (
    Case,
    Different,
    Result,
    Settings,
    arithmetic_mean,
    assert_same,
    compare,
    timed,
)

PADDING, HOLE = 4, 8


def run(settings: Settings, peer: str) -> Result:
    """Asserts that both sides produce the same kind of crops, flips and holes, then times them."""
    peers.load(peer)
    batch_size = settings.size(512, 64)
    built = ours.experiment(
        *settings.images(),
        "augmentation=crop_flip_cutout8",
        "trainer.precision=float32",  # so that batches are as large as theirs
        f"trainer.batch_size={batch_size}",
    )
    assert_same_views(built, peer)
    loader, images = peer_loader(built, peer, batch_size), len(built.dataset.train_indices)
    epochs = itertools.count()

    def ours_epoch() -> int:
        batches = ours.input_batches(built, next(epochs), len(built.loaders.train))
        return sum(len(labels) for _, labels in batches)

    def their_epoch() -> int:
        return sum(len(labels) for _, labels in loader)

    # Whole epochs: otherwise their workers would still be busy while ours is measured.
    assert_same("images in an epoch", ours_epoch(), their_epoch())
    result = compare(timed(ours_epoch), timed(their_epoch), pairs=settings.size(5, 2))
    rates = [images / arithmetic_mean(side)[0] for side in (result.ours, result.theirs)]
    return result.noted(f"images/s: {rates[0]:,.0f} against {rates[1]:,.0f}")


def peer_loader(
    built: ours.Experiment, peer: str, batch_size: int, workers: int = 2, shuffle: bool = True
) -> Any:
    """Creates a peer's loader for the experiment's training images."""
    module, data = peers.load(peer), built.dataset
    rows = data.train_indices
    stack = module.training_stack(data.mean.tolist(), data.std.tolist())
    train = data.source.train
    return module.loader(
        np.asarray(train.images[rows]), train.labels[rows], stack, batch_size, workers, shuffle
    )


def assert_same_views(built: ours.Experiment, peer: str, images: int = 64) -> None:
    """Asserts that each image of both sides is a crop, possibly flipped, possibly with a hole.

    Raises:
        Different: an image is not, or the share of flips or holes of one side is not one half.
    """
    loader = peer_loader(built, peer, images, workers=0, shuffle=False)
    size = built.loaders.train.batch_size
    draws = {"ours": [], "theirs": []}
    for epoch in range(3):
        batch, _ = next(iter(ours.input_batches(built, epoch, 1)))
        rows = ours.rows_of_epoch(built, epoch)[: min(size, images)]
        draws["ours"].append(_draws(built, rows, batch))
        batch, _ = next(iter(loader))
        draws["theirs"].append(_draws(built, built.dataset.train_indices[:images], batch))
    shares = {side: np.concatenate(found).mean(axis=0) for side, found in draws.items()}
    for share in np.concatenate(list(shares.values())):
        # Five standard errors of a share of one half over three draws of 64 images.
        if not abs(share - 0.5) <= 5 * 0.5 / np.sqrt(3 * images):
            raise Different(f"flips and holes should each show in half of the images: {shares}")


def _draws(built: ours.Experiment, rows: NDArray[np.int64], batch: Any) -> NDArray[np.bool_]:
    """Determines whether each image was flipped and cut, by searching for a matching crop."""
    data = built.dataset
    shown = batch.float().cpu().permute(0, 2, 3, 1).numpy()[: len(rows)]
    shown = np.rint((shown * data.std + data.mean) * 255).astype(np.int16)
    return np.asarray(
        [
            _explained(np.asarray(data.source.train.images[row]), image)
            for row, image in zip(rows, shown, strict=True)
        ]
    )


def _explained(source: NDArray[np.uint8], shown: NDArray[np.int16]) -> tuple[bool, bool]:
    """Determines whether an image is a flipped crop of its source, and whether it has a hole.

    Raises:
        Different: every crop differs from it outside a single 8×8 hole.
    """
    padded = np.pad(source, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)), "reflect")
    crops = sliding_window_view(padded, source.shape).reshape(-1, *source.shape).astype(np.int16)
    views = np.concatenate([crops, crops[:, :, ::-1]])  # (162, h, w, 3)
    # With bfloat16's three digits, the same pixel may be off by up to two grey levels.
    wrong = (np.abs(views - shown) > 2).any(axis=3)
    best = int(wrong.sum(axis=(1, 2)).argmin())
    places = np.argwhere(wrong[best])
    if len(places) and (np.ptp(places, axis=0) >= HOLE).any():
        raise Different("an image is neither a crop of its source nor one with a hole")
    return best >= len(crops), len(places) > 0


CASES = [
    Case(
        name=f"input-{short}",
        what="input pipeline: pad, crop, flip, cutout, normalise",
        against=label,
        run=functools.partial(run, peer=peer),
    )
    for short, peer, label in (
        (
            "albumentations",
            "albumentations_loader",
            "the same albumentations stack in a DataLoader, 2 workers",
        ),
        ("torchvision", "torchvision_loader", "torchvision v2 in a DataLoader, 2 workers"),
        (
            "torchvision-batches",
            "torchvision_batches",
            "torchvision v2 on batches, its random steps image by image, no workers",
        ),
        ("kornia", "kornia_batches", "kornia on whole batches"),
        ("kornia-compiled", "kornia_compiled", "kornia on whole batches, `torch.compile`"),
    )
]
