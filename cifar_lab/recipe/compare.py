"""``compare``: what needs images and networks, if these can be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_lab.refusal import Refusal
from cifar_lab.results.images import Flip, Flips
from cifar_lab.results.measures import Split
from cifar_lab.run.record import Run

if TYPE_CHECKING:
    from cifar_lab.assembly import Experiment
    from cifar_lab.report.sections.compare_images import Pictures


def pictures(flips: Flips, split: Split) -> Pictures:
    """The images on which two networks differ, and where each of them looked.

    What cannot be had is left out and said: images need the data set, maps also the checkpoint.

    Args:
        flips: two networks on the same images.
        split: to which the images belong.
    """
    from cifar_lab.data.held_out import held_out
    from cifar_lab.recipe.open import experiment, refuse_other_images
    from cifar_lab.report.sections.compare_images import SHOWN, Pictures

    shown = [*flips.lost[:SHOWN], *flips.gained[:SHOWN]]
    if not shown:
        return Pictures(None, None, None, ())
    rows = np.asarray([flip.row for flip in shown], dtype=np.int64)
    try:
        built = experiment(flips.first)
        refuse_other_images(built, flips.first)
        of_split = held_out(built.dataset, split)
        if of_split.sample_ids[rows].tolist() != [flip.sample_id for flip in shown]:
            raise Refusal(f"the data set now has other {split} images")
        images = of_split.images(rows)
    except Refusal as refusal:
        why = f"The images are not shown: {refusal.problems[0]}."
        return Pictures(None, None, None, (why,))
    maps: list[NDArray[np.float32] | None] = []
    missing: list[str] = []
    for run, classes in (
        (flips.first, [flip.first for flip in shown]),
        (flips.second, [flip.second for flip in shown]),
    ):
        try:
            opened = built if run is flips.first else experiment(run)
            maps.append(_maps(opened, run, images, shown, np.asarray(classes)))
        except Refusal as refusal:
            maps.append(None)
            missing.append(f"No maps of {run.folder.path}: {refusal.problems[0]}.")
    return Pictures(images, maps[0], maps[1], tuple(missing))


def _maps(
    built: Experiment,
    run: Run,
    images: NDArray[np.uint8],
    shown: Sequence[Flip],
    classes: NDArray[np.int64],
) -> NDArray[np.float32]:
    """HiResCAM of a network's predictions, float32 ``(n, h, w)``; nan where it is negligible."""
    import torch

    from cifar_lab.explain.explained import explain_images
    from cifar_lab.explain.strength import strengths
    from cifar_lab.recipe.open import restore

    if not built.gradcam_layers:
        raise Refusal("no layer of its model gives a map")
    restore(built, run)
    found = explain_images(
        built.learner.model,
        built.gradcam_layers[0],
        built.normalise(torch.from_numpy(images)),
        np.asarray([flip.label for flip in shown], dtype=np.int64),
        classes,
        np.asarray([flip.sample_id for flip in shown]),
    )
    maps = found.hirescam[:, 0].copy()
    weak = [each.negligible for each in strengths(maps, found.without_bias[:, 0])]
    maps[np.asarray(weak)] = np.nan
    return maps
