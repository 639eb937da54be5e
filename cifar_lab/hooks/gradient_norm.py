"""The norm of the gradient of the loss after each epoch."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from cifar_lab.bounds import PositiveInt
from cifar_lab.engine.restoring import looked_on
from cifar_lab.hooks.base import Hook, RunView


class GradientNorm(Hook):
    """Adds the column ``gradient_norm``: the Euclidean norm of the gradient over all weights.

    The gradient is that of the mean loss over the first training images, unaugmented and unmixed,
    in eval mode, so that it is a function of the weights alone. It does not depend on the size of
    the batches but for rounding. Frozen weights do not count.

    Args:
        images: how many training images to average over; all of them if there are fewer.
    """

    def __init__(self, images: PositiveInt) -> None:
        self.images = images

    def columns(self, run: RunView) -> Mapping[str, float]:
        """The norm, in units of the loss per unit of the weights."""
        learner, loaders = run.learner, run.loaders
        assert learner, "it is asked while a run trains"
        assert loaders
        batches = loaders.train.unaugmented(self.images)
        weights = [each for each in learner.model.parameters() if each.requires_grad]
        sums = [torch.zeros_like(each) for each in weights]
        with looked_on(learner.model), torch.enable_grad():
            learner.model.eval()
            for batch in batches:
                loss, _ = learner.loss_and_logits(batch)
                share = len(batch.labels) / len(batches.labels)
                # Not by backward(): where several processes train, that would wait for the others.
                found = torch.autograd.grad(loss * share, weights, materialize_grads=True)
                for total, part in zip(sums, found, strict=True):
                    total += part
        return {"gradient_norm": torch.nn.utils.get_total_norm(sums).item()}
