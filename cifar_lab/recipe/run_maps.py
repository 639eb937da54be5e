"""The maps that a run's report shows: computed once, then saved in its folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.analysis.predictions import confused_pairs
from cifar_lab.data.normalise import Normalise
from cifar_lab.explain.explained import Explained, ReportMaps, average_maps, explain_images
from cifar_lab.report.reading import Reading
from cifar_lab.run.maps import packed_averaged, packed_explained

#: Number of confused class pairs whose maps are averaged.
PAIRS = 5


def kept_maps(reading: Reading, model: nn.Module, normalise: Normalise, fresh: bool) -> ReportMaps:
    """Load the maps that the report shows, or compute and save them if the saved ones do not fit.

    Args:
        reading: the run's data for the report.
        model: has the weights of the reported checkpoint.
        normalise: turns images into float32 model input.
        fresh: ignore saved maps, because they come from different weights.

    Returns:
        Maps of the gallery's images at each layer, and averaged maps at the first layer.
    """
    split, layers, run = reading.evaluated, reading.layers, reading.run
    if not layers:
        return ReportMaps([], None)

    def images_of(rows: NDArray[np.int64]) -> Tensor:
        return normalise(torch.from_numpy(split.images(rows)))

    rows = np.asarray([error.row for error in reading.errors], dtype=np.int64)
    explained = None if fresh else run.maps.gallery
    if len(rows) and (explained is None or not _fit(explained, layers, split.sample_ids[rows])):
        images, ids = images_of(rows), split.sample_ids[rows]
        explained = [
            explain_images(model, layer, images, split.labels[rows], reading.predicted[rows], ids)
            for layer in layers
        ]
        run.files.write({run.folder.gallery_maps: packed_explained(explained)})
    number = min(reading.options.averaged_images, len(split))
    averaged = None if fresh else run.maps.averaged
    if number and (averaged is None or averaged.layer != layers[0] or averaged.images != number):
        pairs = confused_pairs(reading.matrix, PAIRS)
        averaged = average_maps(
            model,
            layers[0],
            images_of,
            split.labels,
            reading.predicted,
            len(split.class_names),
            pairs,
            number,
        )
        run.files.write({run.folder.averaged_maps: packed_averaged(averaged)})
    return ReportMaps((explained or []) if len(rows) else [], averaged if number else None)


def _fit(
    explained: Sequence[Explained], layers: Sequence[str], sample_ids: NDArray[np.str_]
) -> bool:
    return [str(found.layer) for found in explained] == list(layers) and all(
        list(found.sample_ids) == list(sample_ids) for found in explained
    )
