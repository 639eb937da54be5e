"""Confusion counts on the validation images after each epoch."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.predictions import confusion
from cifar_lab.data.arrays import Outline
from cifar_lab.engine.hooks import Row
from cifar_lab.hooks.base import Hook, RunView
from cifar_lab.run.files import packed

#: Name of the file.
FILE = "confusions.npz"


class ConfusionsByEpoch(Hook):
    """Writes ``confusions.npz`` after each epoch, from another pass over the validation images.

    Its array ``confusions``, int32 ``(epochs, classes, classes)``, has the number of images by
    epoch, true class and predicted class, and ``epochs``, int64 ``(epochs,)``, the numbers of the
    epochs, from 1. The predictions are those of the epoch's validation accuracy.
    """

    def __init__(self) -> None:
        self._found: dict[int, NDArray[np.int32]] = {}

    def unmet_needs(self, images: Outline) -> list[str]:
        """Validation images."""
        if images.validated is not False:
            return []
        return [
            "confusions on the validation images are asked for, but there are none; hold some out "
            "with dataset.validation_fraction=0.1, or leave this hook out"
        ]

    def on_run_start(self, run: RunView) -> None:
        """Continue the file of a resumed run after the epochs that it has completed."""
        content = run.read(FILE)
        if content is not None:
            with np.load(io.BytesIO(content)) as file:
                pairs = zip(file["epochs"].tolist(), file["confusions"], strict=True)
                self._found = {epoch: each for epoch, each in pairs if epoch <= len(run.rows)}

    def on_epoch_end(self, run: RunView, row: Row) -> None:
        """Add the epoch to the file."""
        learner, loaders, model = run.learner, run.loaders, run.evaluated_model
        assert learner, "a hook is called for a run that trains"
        assert loaders
        assert loaders.val
        assert model
        logits, _ = learner.predict(loaders.val, model)
        labels = loaders.val.labels.cpu().numpy()
        counts = confusion(labels, logits.argmax(1).cpu().numpy(), logits.shape[1])
        self._found[int(row["epoch"])] = counts.astype(np.int32)
        arrays: dict[str, NDArray[np.signedinteger]] = {
            "epochs": np.asarray(list(self._found), np.int64),
            "confusions": np.stack(list(self._found.values())),
        }
        run.write(FILE, packed(arrays))
