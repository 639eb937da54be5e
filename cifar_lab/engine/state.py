"""Everything that training changes, in one object that can be saved and restored."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from cifar_lab.engine.metrics import RunningMetrics
from cifar_lab.engine.seeding import random_states, restore_random_states

FORMAT = 1
#: What an extended run may change of its optimizer's groups, besides the learning rate, which the
#: schedule sets; and the momentum, which the earlier run's schedule may have left elsewhere.
CONFIGURED = ("weight_decay", "lr_scale", "betas", "momentum")


class TrainingState:
    """The training state.

    Args:
        model: the model, on its device.
        optimizer: optimizes the model's parameters.
        ema_decay: decay per step of an exponential moving average of the weights and buffers
            (timm's); None disables it.
        device: where the model lives.
        ema_warmup: let the decay of the first steps be smaller, as :func:`warmed_up` says.

    Attributes:
        epoch: number of completed epochs.
        batches_done: number of completed batches in the current epoch.
        train_seconds: time spent training in the current epoch.
        elapsed_seconds: time spent in completed epochs, evaluation included.
        train_metrics: training metrics of the current epoch.
        stopped: why training ended before its last epoch; None if it did not.
        failed: whether that reason is a failure.
        best: epoch (from 1) and metrics of the best epoch by validation; None before the first.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        ema_decay: float | None,
        device: torch.device,
        ema_warmup: bool = True,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.ema = None if ema_decay is None else _average(model, ema_decay)
        self._ema_decay, self._ema_warmup = ema_decay, ema_warmup
        self._averaged = 0  # updates of the average so far
        self.epoch = 0
        self.batches_done = 0
        self.train_seconds = 0.0
        self.elapsed_seconds = 0.0
        self.train_metrics = RunningMetrics(device)
        self.stopped: str | None = None
        self.failed = False
        self.best: dict[str, float] | None = None

    @property
    def evaluated_model(self) -> nn.Module:
        """The averaged model if there is one, otherwise the model."""
        return self.model if self.ema is None else self.ema.module

    def update_average(self) -> None:
        """Let the average, if there is one, follow the weights and buffers of an update."""
        if self.ema is None or self._ema_decay is None:
            return
        if self._ema_warmup:
            self.ema.decay = warmed_up(self._ema_decay, self._averaged)
        self.ema.update(self.model)
        self._averaged += 1

    def not_finite(self) -> str | None:
        """Name a weight or running statistic that is infinite or NaN; waits for the device."""
        for module in dict.fromkeys((self.model, self.evaluated_model)):
            floats = {k: v for k, v in module.state_dict().items() if v.is_floating_point()}
            # Stacked, to wait for the device once.
            finite = torch.stack([value.isfinite().all() for value in floats.values()]).tolist()
            bad = [name for name, good in zip(floats, finite, strict=True) if not good]
            if bad:
                kind = "weight" if bad[0] in dict(module.named_parameters()) else "statistic"
                return f"the {kind} {bad[0]}"
        return None

    def begin_next_epoch(self, epoch_seconds: float) -> None:
        """Mark the current epoch as completed; it took ``epoch_seconds``."""
        self.elapsed_seconds += epoch_seconds
        self.epoch, self.batches_done, self.train_seconds = self.epoch + 1, 0, 0.0
        self.train_metrics = RunningMetrics(self.train_metrics.device)

    def state_dict(self) -> dict[str, Any]:
        """The state as plain values and tensors, readable by ``torch.load(weights_only=True)``."""
        return {
            "format": FORMAT,
            "model": self.model.state_dict(),
            "averaged": self._averaged,
            "ema": None if self.ema is None else self.ema.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "batches_done": self.batches_done,
            "train_seconds": self.train_seconds,
            "elapsed_seconds": self.elapsed_seconds,
            "train_metrics": self.train_metrics.state_dict(),
            "stopped": self.stopped,
            "failed": self.failed,
            "best": self.best,
            "random_states": random_states(),
        }

    def extend(self, state: dict[str, Any]) -> None:
        """Begin where a finished run ended, whose last :meth:`state_dict` this is.

        Weights, average, optimizer, random states and the number of epochs are continued. What the
        optimizer was configured with, and not computed, stays: its groups may now have another
        weight decay. The best epoch, the time spent and why that run ended are left behind.
        """
        groups = self.optimizer.param_groups
        configured = [{k: g[k] for k in CONFIGURED if k in g} for g in groups]
        self.load_state_dict({**state, "best": None, "stopped": None, "failed": False})
        for group, values in zip(self.optimizer.param_groups, configured, strict=True):
            group.update(values)
        self.batches_done, self.train_seconds, self.elapsed_seconds = 0, 0.0, 0.0
        self.train_metrics = RunningMetrics(self.train_metrics.device)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of :meth:`state_dict`, random states included."""
        self.model.load_state_dict(state["model"])
        if self.ema is not None:
            self.ema.module.load_state_dict(state["ema"])
        self._averaged = state.get("averaged", 0)  # older runs had no warm-up, which needs it
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]
        self.batches_done = state["batches_done"]
        self.train_seconds = state["train_seconds"]
        self.elapsed_seconds = state["elapsed_seconds"]
        self.train_metrics.load_state_dict(state["train_metrics"])
        self.stopped = state["stopped"]
        self.failed = state.get("failed", False)  # older checkpoints were written by no failed run
        self.best = state["best"]
        restore_random_states(state["random_states"])


def warmed_up(decay: float, updates: int) -> float:
    """The decay of an average after ``updates`` updates: ``(1 + t) / (10 + t)`` at first.

    That is the rule of TensorFlow's ``tf.train.ExponentialMovingAverage`` with ``num_updates``. The
    average then covers about the last tenth of the run, however short, and not its
    initial weights.
    """
    return min(decay, (1 + updates) / (10 + updates))


def evaluated_weights(state: dict[str, Any]) -> dict[str, Any]:
    """The weights of a checkpoint to evaluate: the average if there is one."""
    return state["model"] if state["ema"] is None else state["ema"]


def _average(model: nn.Module, decay: float) -> Any:
    from timm.utils import ModelEmaV3  # type: ignore[attr-defined]  # importing it takes seconds

    return ModelEmaV3(model, decay=decay)
