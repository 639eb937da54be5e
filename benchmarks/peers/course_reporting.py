"""Evaluation and figures as in the notebooks of the course studies."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def evaluate(
    batches: Sequence[tuple[Tensor, Tensor]], criterion: nn.Module, class_names: Sequence[str]
) -> dict[str, Any]:
    """Computes loss, accuracy, accuracy of each class and the misclassified rows.

    It sums batch by batch with ``.item()`` and loops over the samples of each batch.
    """
    loss_sum, correct, total = 0.0, 0, 0
    class_correct, class_total = [0] * len(class_names), [0] * len(class_names)
    wrong = []
    for logits, labels in batches:
        loss_sum += criterion(logits, labels).item() * len(labels)
        predictions = logits.argmax(dim=1)
        correct += predictions.eq(labels).sum().item()
        for index in range(len(labels)):
            label, predicted = labels[index].item(), predictions[index].item()
            class_total[label] += 1
            if label == predicted:
                class_correct[label] += 1
            else:
                probability = torch.softmax(logits[index], dim=0)[predicted].item()
                wrong.append((total + index, label, predicted, probability))
        total += len(labels)
    return {
        "loss": loss_sum / total,
        "accuracy": correct / total,
        "per_class": [hit / count for hit, count in zip(class_correct, class_total, strict=True)],
        "wrong": wrong,
    }


def curves(rows: Sequence[dict[str, float]]) -> bytes:
    """Plots loss and accuracy of training and test."""
    epochs = [row["epoch"] for row in rows]
    fig, axs = plt.subplots(1, 2, figsize=(9, 3.4))
    for split in ("train", "test"):
        axs[0].plot(epochs, [row[f"{split}_loss"] for row in rows], marker="o", label=split)
        accuracies = [100 * row[f"{split}_accuracy"] for row in rows]
        axs[1].plot(epochs, accuracies, marker="o", label=split)
    for axis, name in zip(axs, ("loss", "accuracy (%)"), strict=True):
        axis.set_xlabel("epoch")
        axis.set_ylabel(name)
        axis.grid()
        axis.legend()
    return _saved(fig)


def learning_rate(planned: Sequence[float], steps_per_epoch: int) -> bytes:
    """Plots the learning rate of each step."""
    fig, axis = plt.subplots(figsize=(9, 2.6))
    axis.plot((np.arange(len(planned)) + 1) / steps_per_epoch, planned)
    axis.set_xlabel("epoch")
    axis.set_ylabel("learning rate")
    axis.grid()
    return _saved(fig)


#: Size in inches of the gallery of ten images: as many pixels as ours.
SIZE = (1488 / 144, 1248 / 144)


def gallery(
    images: NDArray[np.uint8],
    maps: NDArray[np.float32],
    wrong: Sequence[tuple[int, int, int, float]],
    class_names: Sequence[str],
) -> bytes:
    """Plots misclassified images above their GradCAM overlays."""
    columns = 5
    bands = -(-len(wrong) // columns)
    fig, axs = plt.subplots(2 * bands, columns, figsize=SIZE)
    for axis in axs.ravel():
        axis.axis("off")
    for position, (_, label, predicted, probability) in enumerate(wrong):
        band, column = divmod(position, columns)
        title = f"{class_names[predicted]} ({probability:.1%})\ntrue: {class_names[label]}"
        axs[2 * band, column].imshow(images[position])
        axs[2 * band, column].set_title(title, fontsize=9)
        overlay = axs[2 * band + 1, column]
        overlay.imshow(images[position].mean(axis=2), cmap="gray", extent=(0, 32, 32, 0))
        overlay.imshow(maps[position], cmap="jet", alpha=0.6, extent=(0, 32, 32, 0),
                       interpolation="bilinear")  # fmt: skip
        overlay.set_title(f"{class_names[predicted]}", fontsize=8)
    return _saved(fig)


def _saved(fig: Any) -> bytes:
    """Applies tight_layout as the notebooks do; saves with as many pixels as our figures have."""
    plt.tight_layout()
    buffer = io.BytesIO()
    plt.savefig(buffer, format="png", dpi=144)
    plt.close(fig)
    return buffer.getvalue()
