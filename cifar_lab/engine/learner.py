"""Model, criterion and mixed labels combined: what a step computes, for every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from cifar_lab.data.loaders import Batch, TrainBatch
from cifar_lab.data.mixing import MixedBatch
from cifar_lab.engine.metrics import RunningMetrics, correct
from cifar_lab.precision import Precision, autocast


class Learner:
    """A model with its criterion, device and precision.

    Args:
        model: maps images to logits.
        criterion: maps logits ``(batch, classes)`` and labels ``(batch,)`` to a mean loss ``()``.
        device: where the model lives.
        precision: precision of the forward pass; weights stay float32.
        test_time_flips: predict with test-time flip averaging of the logits.
    """

    def __init__(
        self,
        model: nn.Module,
        criterion: nn.Module,
        device: torch.device,
        precision: Precision,
        test_time_flips: bool,
    ) -> None:
        self.model = model
        self.criterion = criterion
        self.device = device
        self.precision = precision
        self.test_time_flips = test_time_flips

    def loss_and_logits(
        self, batch: TrainBatch, forward: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Compute the logits in the learner's precision and the loss in float32.

        Args:
            batch: on the learner's device.
            forward: used instead of the model, e.g. its compiled form.

        Returns:
            Loss, float32 ``()``; logits, float32 ``(batch, classes)``.
        """
        logits = self.logits(batch.images, self.model if forward is None else forward)
        return self.loss(logits, batch), logits

    def loss(self, logits: Tensor, batch: TrainBatch) -> Tensor:
        """The mean loss ``()``; for mixed images, the weighted loss of both labels."""
        loss: Tensor = self.criterion(logits, batch.labels)
        if isinstance(batch, MixedBatch):
            rest = self.criterion(logits, batch.partners)
            loss = batch.weight * loss + (1 - batch.weight) * rest
        return loss

    def predict(
        self, batches: Iterable[Batch], model: nn.Module, flips: bool | None = None
    ) -> tuple[Tensor, RunningMetrics]:
        """Evaluate a model in eval mode, without gradients; its mode is restored.

        Args:
            batches: on the learner's device.
            model: the learner's own model, or its average.
            flips: overrides the learner's ``test_time_flips``.

        Returns:
            Logits, float32 ``(n, classes)``, on the device, and the metrics.
        """
        flips = self.test_time_flips if flips is None else flips
        was_training = model.training
        model.eval()
        metrics = RunningMetrics(self.device)
        collected = []
        try:
            with torch.no_grad():
                for number, batch in enumerate(batches):
                    logits = self.logits(batch.images, model)
                    if flips:
                        logits = (logits + self.logits(batch.images.flip(3), model)) / 2
                    loss = self.loss(logits, batch)
                    metrics.update(loss, correct(logits, batch.labels), len(logits), number)
                    collected.append(logits)
        finally:
            model.train(was_training)
        return torch.cat(collected), metrics

    def logits(self, images: Tensor, forward: Callable[[Tensor], Tensor]) -> Tensor:
        """Forward pass in the learner's precision: float32 ``(batch, classes)``."""
        with autocast(self.precision, self.device):
            return forward(images).float()
