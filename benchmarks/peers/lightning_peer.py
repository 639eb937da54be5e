"""A LightningModule and its Trainer, with everything disabled that costs time."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from benchmarks.peers.plain_loop import sgd


class Classifier(L.LightningModule):
    """A classifier that logs loss and accuracy for each epoch.

    Args:
        model: maps images to logits.
        criterion: maps logits and labels to a mean loss.
        lr: learning rate of SGD with momentum.
    """

    def __init__(self, model: nn.Module, criterion: nn.Module, lr: float) -> None:
        super().__init__()
        self.model = model
        self.criterion = criterion
        self.lr = lr

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self._step(batch, "train")

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self._step(batch, "val")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return sgd(self.model, self.lr)

    def _step(self, batch: Any, split: str) -> Tensor:
        images, labels = batch
        logits = self.model(images)
        loss: Tensor = self.criterion(logits, labels)
        accuracy = (logits.argmax(1) == labels).float().mean()
        values = {f"{split}_loss": loss, f"{split}_accuracy": accuracy}
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss


class Prepared:
    """A loader of prepared batches; Lightning would interpret a list as several loaders."""

    def __init__(self, batches: Sequence[Any]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._batches)


class EpochClock(L.Callback):
    """Seconds of the training epoch, without the set-up in ``fit``."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._started = time.perf_counter()

    def on_train_batch_end(self, trainer: L.Trainer, *rest: Any, **named: Any) -> None:
        self.seconds = time.perf_counter() - self._started


def fit(
    classifier: Classifier,
    train: Iterable[Any],
    val: Iterable[Any] | None = None,
    precision: str = "32-true",
) -> tuple[dict[str, float], float]:
    """Trains one epoch; returns its metrics and the seconds to the end of its last batch."""
    clock = EpochClock()
    with _quietly():
        trainer = L.Trainer(
            max_epochs=1,
            accelerator="auto",
            devices=1,
            precision=precision,
            callbacks=[clock],
            logger=False,
            enable_progress_bar=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(classifier, train, val)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}, clock.seconds


def validate(classifier: Classifier, loader: Iterable[Any]) -> dict[str, float]:
    """Evaluates a classifier; returns loss and accuracy."""
    with _quietly():
        trainer = L.Trainer(
            accelerator="auto",
            devices=1,
            logger=False,
            enable_progress_bar=False,
            enable_checkpointing=False,
        )
        trainer.validate(classifier, loader, verbose=False)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Suppresses Lightning's log lines and warnings."""
    loggers = [logging.getLogger(name) for name in ("lightning", "lightning.pytorch")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
