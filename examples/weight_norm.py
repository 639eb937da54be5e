"""A hook: it looks on while a run trains."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from cifar_lab.hooks import Hook, RunView


class WeightNorm(Hook):
    """Adds the norm of all weights to metrics.csv, and stops a run whose weights explode.

    Args:
        limit: the largest norm with which training goes on.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def columns(self, run: RunView) -> Mapping[str, float]:
        """The norm of all weights, after each epoch."""
        return {"weight_norm": _norm(run)}

    def reason_to_stop(self, run: RunView) -> str | None:
        """Stop above the limit."""
        norm = _norm(run)
        return (
            f"the weights' norm is {norm:.0f}, above {self.limit:g}" if norm > self.limit else None
        )


def _norm(run: RunView) -> float:
    assert run.learner is not None  # it is None for finished runs only
    weights = [parameter.detach() for parameter in run.learner.model.parameters()]
    return float(torch.nn.utils.get_total_norm(weights))
