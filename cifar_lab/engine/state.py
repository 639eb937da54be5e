"""Everything that training changes, as one thing that can be saved and taken up again."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from cifar_lab.engine.metrics import RunningMetrics
from cifar_lab.engine.seeding import random_states, restore_random_states

FORMAT = 1


class TrainingState:
    """Where training stands.

    Args:
        model: on its device.
        optimizer: over the model's parameters.
        ema_decay: decay a step of an exponential moving average of the weights and buffers
            (timm's); None for no average.
        device: where the model lives.

    Attributes:
        epoch: whole epochs behind us.
        batches_done: batches of the current epoch behind us.
        train_seconds: time spent training in the current epoch.
        elapsed_seconds: time spent in whole epochs, evaluation included.
        train_metrics: of the current epoch.
        stopped: why training ended before its last epoch; None while it did not.
        best: epoch (from 1) and metrics of the best epoch by validation; None before one.
    """

    def __init__(
        self, model: nn.Module, optimizer: Optimizer, ema_decay: float | None, device: torch.device
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.ema = None if ema_decay is None else _average(model, ema_decay)
        self.epoch = 0
        self.batches_done = 0
        self.train_seconds = 0.0
        self.elapsed_seconds = 0.0
        self.train_metrics = RunningMetrics(device)
        self.stopped: str | None = None
        self.best: dict[str, float] | None = None

    @property
    def evaluated_model(self) -> nn.Module:
        """The averaged model where there is an average, else the model."""
        return self.model if self.ema is None else self.ema.module

    def begin_next_epoch(self, epoch_seconds: float) -> None:
        """Counts the current epoch as done, which took so long."""
        self.elapsed_seconds += epoch_seconds
        self.epoch, self.batches_done, self.train_seconds = self.epoch + 1, 0, 0.0
        self.train_metrics = RunningMetrics(self.train_metrics.device)

    def state_dict(self) -> dict[str, Any]:
        """Plain values and tensors, so that ``torch.load(weights_only=True)`` reads them."""
        return {
            "format": FORMAT,
            "model": self.model.state_dict(),
            "ema": None if self.ema is None else self.ema.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "batches_done": self.batches_done,
            "train_seconds": self.train_seconds,
            "elapsed_seconds": self.elapsed_seconds,
            "train_metrics": self.train_metrics.state_dict(),
            "stopped": self.stopped,
            "best": self.best,
            "random_states": random_states(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes up what :meth:`state_dict` gave, random states included."""
        self.model.load_state_dict(state["model"])
        if self.ema is not None:
            self.ema.module.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]
        self.batches_done = state["batches_done"]
        self.train_seconds = state["train_seconds"]
        self.elapsed_seconds = state["elapsed_seconds"]
        self.train_metrics.load_state_dict(state["train_metrics"])
        self.stopped = state["stopped"]
        self.best = state["best"]
        restore_random_states(state["random_states"])


def evaluated_weights(state: dict[str, Any]) -> dict[str, Any]:
    """The weights of a checkpoint that evaluation uses: the average where there is one."""
    return state["model"] if state["ema"] is None else state["ema"]


def _average(model: nn.Module, decay: float) -> Any:
    from timm.utils import ModelEmaV3  # type: ignore[attr-defined]  # costs seconds to import

    return ModelEmaV3(model, decay=decay)
