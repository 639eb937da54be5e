"""Model and criterion as one thing: what a step computes, shared by every engine."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from cifar_lab.data.loaders import Batch
from cifar_lab.engine.metrics import RunningMetrics
from cifar_lab.engine.precision import Precision, autocast


class Learner:
    """A model with its criterion on a device, in a precision.

    Args:
        model: maps images to logits.
        criterion: maps logits ``(batch, classes)`` and labels ``(batch,)`` to a mean loss ``()``.
        device: where the model lives.
        precision: of the forward pass; weights are float32.
    """

    def __init__(
        self, model: nn.Module, criterion: nn.Module, device: torch.device, precision: Precision
    ) -> None:
        self.model = model
        self.criterion = criterion
        self.device = device
        self.precision = precision

    def loss_and_logits(
        self, batch: Batch, model: nn.Module | None = None
    ) -> tuple[Tensor, Tensor]:
        """Forward pass in the learner's precision; loss in float32.

        Args:
            batch: on the learner's device.
            model: another model than the learner's own, such as its average.

        Returns:
            Loss, float32 ``()``; logits, float32 ``(batch, classes)``.
        """
        with autocast(self.precision, self.device):
            logits = (self.model if model is None else model)(batch.images)
        logits = logits.float()
        return self.criterion(logits, batch.labels), logits

    def predict(self, batches: Iterable[Batch], model: nn.Module) -> tuple[Tensor, RunningMetrics]:
        """Evaluates a model in eval mode, without gradients; the mode is put back.

        Returns:
            Logits, float32 ``(n, classes)``, on the device, and the metrics.
        """
        was_training = model.training
        model.eval()
        metrics = RunningMetrics(self.device)
        collected = []
        try:
            with torch.no_grad():
                for number, batch in enumerate(batches):
                    loss, logits = self.loss_and_logits(batch, model)
                    metrics.update(loss, logits, batch.labels, number)
                    collected.append(logits)
        finally:
            model.train(was_training)
        return torch.cat(collected), metrics
