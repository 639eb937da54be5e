"""The benchmarks' interface to the package; no other module here imports ``cifar_lab``."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab import assembly
from cifar_lab.assembly import Experiment, updates
from cifar_lab.config.compose import Composer, config_folder, job_part
from cifar_lab.data.loaders import Batch
from cifar_lab.engine.hooks import HookList, Hooks, Row
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.state import TrainingState
from cifar_lab.precision import dtype_of

#: Folder of the groups, for the peers that compose them.
CONF = config_folder()

Pairs = Sequence[tuple[Tensor, Tensor]]


def experiment(*overrides: str) -> Experiment:
    """Builds an experiment from command-line overrides."""
    return assembly.experiment(job_part(Composer().compose(list(overrides))))


def around(built: Experiment, model: nn.Module) -> Experiment:
    """Returns the experiment with a different network and a new optimizer for it."""
    layout = torch.channels_last if built.setup.channels_last else torch.contiguous_format
    learner = copy.copy(built.learner)
    learner.model = model.to(  # type: ignore[call-overload]
        device=learner.device, memory_format=layout
    )
    return dataclasses.replace(
        built,
        learner=learner,
        optimizer=updates.optimizer(
            built.config["optimizer"],
            model,
            len(built.dataset.class_names),
            built.setup.fused_optimizer,
            built.setup.head_lr_factor,
        ),
    )


def on_fixed_batches(built: Experiment, batches: Pairs) -> Experiment:
    """Returns the experiment with prepared batches as its epoch, and without validation images.

    Args:
        built: trains as many epochs as its ``trainer.limit_epochs``.
        batches: float images ``(batch, 3, h, w)`` and int64 labels, on the device.
    """
    train = _FixedBatches(batches, built)
    loaders = built.loaders._replace(train=train, val=None)  # type: ignore[arg-type]
    return dataclasses.replace(built, loaders=loaders)


def fit(built: Experiment, *hooks: Hooks) -> list[Row]:
    """Trains from epoch 0 with the current weights; returns the rows of metrics.csv."""
    learner, rows = built.learner, _Rows()
    state = TrainingState(learner.model, built.optimizer, built.plan.ema_decay, learner.device)
    built.engine.fit(
        learner, built.loaders, built.schedule, state, HookList(rows, *hooks), StopRequest()
    )
    return rows.rows


def range_test(
    built: Experiment, start_lr: float, end_lr: float, steps: int, divergence: float
) -> tuple[list[float], list[float]]:
    """Runs the learning-rate finder; returns learning rates and smoothed losses."""
    test = dataclasses.replace(
        built.lr_finder, start_lr=start_lr, end_lr=end_lr, steps=steps, divergence=divergence
    )
    curve = test.run(built.engine, built.learner, built.optimizer, built.loaders.train)
    return curve.learning_rates, curve.smoothed


def losses(built: Experiment, batches: Pairs) -> list[float]:
    """Trains on each batch for one step; returns the losses."""
    found = []
    for batch in batches:
        rows = fit(on_fixed_batches(built, [batch]))
        found.append(float(rows[-1]["train_loss"]))
    return found


def evaluate(built: Experiment) -> tuple[float, float]:
    """Loss and accuracy of the experiment's current network on its test images."""
    _, metrics = built.learner.predict(built.loaders.test, built.learner.model)
    result = metrics.result()
    return result.loss, result.accuracy


def input_batches(built: Experiment, epoch: int, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields the first batches of an epoch as the network would receive them."""
    for batch in built.loaders.train.batches(epoch, 0, count):
        yield batch.images, batch.labels


def rows_of_epoch(built: Experiment, epoch: int) -> NDArray[np.int64]:
    """Rows of the training images in the order of an epoch."""
    return built.loaders.train.order(epoch)


class StepClock(Hooks):
    """Seconds from the start of the first to the end of the last step, without writing records."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        self._started = time.perf_counter()

    def on_batch_end(self, state: TrainingState) -> None:
        self.seconds = time.perf_counter() - self._started


def run_hooks(built: Experiment, folder: Path) -> list[Hooks]:
    """The hooks of every run: metrics, checkpoints and progress."""
    from cifar_lab.run.console import Progress
    from cifar_lab.run.folder import RunFolder
    from cifar_lab.run.records import Recorder
    from cifar_lab.run.store import Store

    recorder = Recorder(Store(RunFolder(folder)), built.setup.background_checkpoints)
    return [recorder, Progress(built.plan.batch_size)]


class Records:
    """Writes the records of an epoch as a run does.

    Args:
        built: provides the network and the optimizer that are saved.
        folder: of the run.
    """

    def __init__(self, built: Experiment, folder: Path) -> None:
        from cifar_lab.run.folder import RunFolder
        from cifar_lab.run.records import Recorder
        from cifar_lab.run.store import Store

        self.folder = RunFolder(folder)
        self._recorder = Recorder(Store(self.folder), built.setup.background_checkpoints)
        self._state = TrainingState(built.learner.model, built.optimizer, None, torch.device("cpu"))
        self._recorder.on_fit_start(self._state, epochs=100, batches=1)

    def end_epoch(self) -> None:
        """Writes metrics and checkpoints of an epoch that is the best so far."""
        self._state.begin_next_epoch(1.0)
        names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "epoch_seconds")
        row = {"epoch": self._state.epoch, "lr": 0.1, **dict.fromkeys(names, 0.5)}
        self._recorder.on_epoch_end(self._state, row, True)

    def finish(self) -> None:
        """Waits until everything is on disk."""
        self._recorder.on_fit_end()

    def saved(self) -> list[dict[str, Any]]:
        """Both checkpoints, read as by a resumed run."""
        from cifar_lab.run.checkpoint import load_checkpoint

        paths = (self.folder.best_checkpoint, self.folder.last_checkpoint)
        return [load_checkpoint(path, torch.device("cpu")) for path in paths]


def bundle(folder: Path, width: int) -> Path:
    """Writes a bundle of a custom ResNet with random weights and ten classes.

    Args:
        folder: of the bundle.
        width: of the network.
    """
    from safetensors.torch import save

    from cifar_lab.deploy.bundle import (
        DESCRIPTION,
        MANIFEST,
        WEIGHTS,
        description_text,
        manifest_text,
    )
    from cifar_lab.deploy.description import Architecture, Description
    from cifar_lab.deploy.usage import Usage
    from cifar_lab.models import CustomResNet

    torch.manual_seed(0)
    model = CustomResNet(num_classes=10, width=width)
    usage = Usage(
        class_names=tuple("abcdefghij"), image_size=(32, 32), mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25), precision="float32", flips=False, channels_last=True,
        batch_size=512, threads=1, layer=None, energy_limit=-1.0, energy_images=1000,
    )  # fmt: skip
    described = Description(
        name="bench", run=None, created="2026-01-01T00:00:00+00:00", made_with="0",
        architecture=Architecture("CustomResNet", {"num_classes": 10, "width": width}, own=False),
        usage=usage, layers=(), parameters=sum(p.numel() for p in model.parameters()),
        validation=None, test=None, evaluated="test", examples=(), misclassified=(),
        misclassified_total=0, float32_changes=None, modules=(),
    )  # fmt: skip
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    contents = {DESCRIPTION: description_text(described).encode(), WEIGHTS: save(weights)}
    folder.mkdir(parents=True)
    for name, content in {**contents, MANIFEST: manifest_text(contents).encode()}.items():
        (folder / name).write_bytes(content)
    return folder


def keep_freed_memory() -> None:
    """Sets the allocator as building an experiment does."""
    from cifar_lab.engine import allocator

    allocator.keep_freed_memory()


def gradcam_of_predictions(
    model: nn.Module, layer: str, images: Tensor
) -> tuple[NDArray[np.float32], Tensor]:
    """Returns signed GradCAM maps of the predicted classes, and these classes.

    Args:
        model: in eval mode.
        layer: name of a module.
        images: float32 ``(n, 3, height, width)``, normalised.
    """
    from cifar_lab.explain.cams import class_activation_maps

    found = class_activation_maps(model, layer, images)
    return found.gradcam, torch.from_numpy(found.logits).argmax(dim=1)


def evaluation_figures(
    *,
    built: Experiment,
    batches: Pairs,
    images: NDArray[np.uint8],
    maps: NDArray[np.float32],
    class_names: Sequence[str],
    rows: Sequence[Row],
    planned: Sequence[float],
) -> tuple[dict[str, Any], list[bytes]]:
    """Computes what an evaluation and a report need besides the forward pass.

    Args:
        built: provides the learner for the evaluation.
        batches: logits ``(batch, classes)`` and labels.
        images: uint8 ``(n, height, width, 3)``, of all logits.
        maps: float32 ``(shown, h, w)``, one for each misclassified image that is shown.
        class_names: in the order of the labels.
        rows: of metrics.csv.
        planned: learning rate of each step.

    Returns:
        Loss, accuracy and the recall of each class; the figures as PNG.
    """
    from cifar_lab.analysis.misclassified import chosen_errors
    from cifar_lab.analysis.predictions import class_results, confusion
    from cifar_lab.report.figures.attribution import Scaled, Series, gallery
    from cifar_lab.report.figures.training import curves, learning_rate

    # With an identity network, this is an evaluation without its forward pass.
    predicted, metrics = built.learner.predict([Batch(*b) for b in batches], nn.Identity())
    result, logits = metrics.result(), predicted.cpu().numpy()
    labels = torch.cat([batch[1] for batch in batches]).cpu().numpy()
    matrix = confusion(labels, logits.argmax(axis=1), len(class_names))
    table = class_results(matrix, tuple(class_names))
    errors = chosen_errors(logits, labels, len(maps), "most_confident", seed=0)
    chosen = [error.row for error in errors]
    steps = len(planned) // len(rows)
    series = Series(maps, ["GradCAM"] * len(maps), [""] * len(maps))
    pictures = [
        curves(rows, [float(row["epoch"]) for row in rows], len(rows)),
        learning_rate(planned, steps, [(row["epoch"], row["lr"]) for row in rows]),
        *gallery(images[chosen], [Scaled("logits per cell", [series])], errors, class_names),
    ]
    found = {"loss": result.loss, "accuracy": result.accuracy}
    return {**found, "per_class": [row.recall.share for row in table]}, pictures


class _Rows(Hooks):
    """Collects the rows of metrics.csv."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        self.rows.append(row)


class _FixedBatches:
    """Replaces the training loader: the same batches in every epoch, in its format."""

    def __init__(self, batches: Pairs, built: Experiment) -> None:
        layout = torch.channels_last if built.setup.channels_last else torch.contiguous_format
        dtype = dtype_of(built.learner.precision)
        self._batches = [Batch(x.to(dtype, memory_format=layout), y) for x, y in batches]
        self.batch_size = len(self._batches[0].labels)
        self.rows = np.arange(sum(len(batch.labels) for batch in self._batches))

    def __len__(self) -> int:
        return len(self._batches)

    def batches(self, epoch: int, first: int, end: int) -> Iterator[Batch]:
        return iter(self._batches[first:end])
