"""The report of one run, drawn from its folder, its restored model and the test images."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.normalise import Normalise
from cifar_lab.engine.hooks import Row
from cifar_lab.explain.gradcam import gradcam
from cifar_lab.report import figures
from cifar_lab.report.gallery import Misclassified, most_confident_errors
from cifar_lab.report.page import Contents, Picture, render_html, render_markdown
from cifar_lab.run.folder import RunFolder, read_json, read_text, write_atomically
from cifar_lab.run.records import read_metrics


def write_report(
    *,
    folder: RunFolder,
    logits: NDArray[np.float32],
    test: ImageArrays,
    model: nn.Module,
    normalise: Normalise,
    layer: str,
    number: int,
    planned: Sequence[float],
    steps_per_epoch: int,
) -> None:
    """Writes figures, attributions, report.html and report.md.

    Args:
        folder: a run with metrics, summary and provenance.
        logits: float32 ``(n, classes)``, of the model over the test images.
        test: the test images.
        model: with the weights that gave the logits.
        normalise: makes the test images what the model reads.
        layer: name of the module that GradCAM explains.
        number: misclassified images to show.
        planned: learning rate of each step.
        steps_per_epoch: converts steps to epochs.
    """
    rows = read_metrics(folder.metrics)
    errors = most_confident_errors(logits, test.labels, number)
    chosen = [error.row for error in errors]
    pictures = [_curves(rows), _learning_rate(planned, steps_per_epoch, rows)]
    if errors:
        maps = _maps(model, layer, normalise, test.images[chosen], errors)
        _save_maps(folder, maps, errors, test, layer)
        pictures.append(_gallery(test, chosen, maps, errors, layer))
    for picture in pictures:
        write_atomically(folder.figure(picture.name), picture.png)
    summary = read_json(folder.summary)
    contents = Contents(
        title=f"{summary['name']} {'/'.join(folder.path.parts[-2:])}",
        summary=summary,
        provenance=read_json(folder.provenance),
        pictures={picture.name: picture for picture in pictures},
        errors=errors,
        sample_ids=[str(test.sample_ids[row]) for row in chosen],
        class_names=test.class_names,
        model_table=read_text(folder.model_table).rstrip(),
        config=read_text(folder.config).rstrip(),
    )
    write_atomically(folder.report, render_html(contents))
    write_atomically(folder.report_markdown, render_markdown(contents))


def _maps(
    model: nn.Module,
    layer: str,
    normalise: Normalise,
    images: NDArray[np.uint8],
    errors: Sequence[Misclassified],
) -> NDArray[np.float32]:
    classes = torch.tensor([error.predicted for error in errors], device=normalise.device)
    return gradcam(model, layer, normalise(torch.from_numpy(images)), classes)


def _save_maps(
    folder: RunFolder,
    maps: NDArray[np.float32],
    errors: Sequence[Misclassified],
    test: ImageArrays,
    layer: str,
) -> None:
    """Keeps the signed maps, so that the gallery can be drawn again without the model."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        maps=maps,
        sample_ids=test.sample_ids[[error.row for error in errors]],
        classes=np.asarray([error.predicted for error in errors]),
        layer=np.asarray(layer),
    )
    write_atomically(folder.gallery_attributions, buffer.getvalue())


def _curves(rows: Sequence[Row]) -> Picture:
    splits = [name for name in figures.SPLIT_NAMES if f"{name}_loss" in rows[-1]]
    last = "; ".join(
        f"{figures.SPLIT_NAMES[s]} loss {rows[-1][f'{s}_loss']:.3f} and accuracy "
        f"{rows[-1][f'{s}_accuracy']:.1%}"
        for s in splits
    )
    return Picture(
        "curves",
        figures.curves(rows),
        alt=f"Loss and accuracy over {len(rows)} epochs; at the end {last}.",
        caption="Loss and accuracy after each epoch, averaged over images. Training values are "
        "gathered during the epoch, on augmented images and with weights that still change.",
    )


def _learning_rate(planned: Sequence[float], steps_per_epoch: int, rows: Sequence[Row]) -> Picture:
    used = [(row["epoch"], row["lr"]) for row in rows]
    return Picture(
        "learning_rate",
        figures.learning_rate(planned, steps_per_epoch, used),
        alt=f"Learning rate from {planned[0]:.3g} over at most {max(planned):.3g} to "
        f"{planned[-1]:.3g} in {len(planned)} steps.",
        caption="Learning rate as planned, and as recorded with the last step of each epoch.",
    )


def _gallery(
    test: ImageArrays,
    chosen: Sequence[int],
    maps: NDArray[np.float32],
    errors: Sequence[Misclassified],
    layer: str,
) -> Picture:
    height, width = maps.shape[1:]
    named = ", ".join(
        f"{test.class_names[e.label]} taken for {test.class_names[e.predicted]}" for e in errors
    )
    return Picture(
        "gallery",
        figures.gallery(test.images[list(chosen)], maps, errors, test.class_names),
        alt=f"{len(errors)} misclassified images with GradCAM maps: {named}.",
        caption="Above each image: predicted and true class with "
        f"their probabilities. Below: GradCAM of the predicted class at {layer} "
        f"({height}×{width} cells, smoothed for display): red speaks for the prediction, blue "
        "against it, on a scale of its own for each image.",
    )
