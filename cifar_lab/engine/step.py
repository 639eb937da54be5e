"""A training step: forward, backward and update, run eagerly or replayed from a CUDA graph."""

from __future__ import annotations

import logging
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from cifar_lab.data.loaders import TrainBatch
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.metrics import correct
from cifar_lab.engine.plan import Plan
from cifar_lab.engine.state import TrainingState

log = logging.getLogger("cifar_lab")


class StepResult(NamedTuple):
    """The result of a batch: ``loss`` float32 ``()``, ``hits`` int64 ``()``, on the device."""

    loss: Tensor
    hits: Tensor


class Step(Protocol):
    """Computes the gradients of a batch and, if a learning rate is given, updates the weights.

    Attributes:
        failure: why it runs eagerly although it should be captured; None if nothing failed.
    """

    failure: str | None

    def __call__(
        self,
        batch: TrainBatch,
        share: float,
        learning_rate: float | None,
        momentum: float | None = None,
    ) -> StepResult:
        """Run a step.

        Args:
            batch: its images and labels.
            share: the batch's share of the images of its update.
            learning_rate: of the update that ends with this batch; None if none does.
            momentum: of that update; None leaves the optimizer's as it is.
        """


class EagerStep:
    """Runs a step eagerly.

    Args:
        learner: model and criterion.
        state: its optimizer and average are updated.
        plan: whether to clip and compile, and the size of a full batch.
    """

    failure: str | None = None

    def __init__(self, learner: Learner, state: TrainingState, plan: Plan) -> None:
        self.learner = learner
        self.state = state
        self._clip = plan.clip_gradient_norm
        self._compiled = torch.compile(learner.model, dynamic=False) if plan.compile else None
        self._batch_size = plan.batch_size
        self._parameters = list(learner.model.parameters())

    def __call__(
        self,
        batch: TrainBatch,
        share: float,
        learning_rate: float | None,
        momentum: float | None = None,
    ) -> StepResult:
        result = self.gradients(batch, share)
        if learning_rate is not None:
            set_learning_rate(self.state.optimizer, learning_rate)
            if momentum is not None:
                set_momentum(self.state.optimizer, momentum)
            self.update()
            self.state.update_average()
        return result

    def gradients(self, batch: TrainBatch, share: float) -> StepResult:
        """Run the forward and backward passes."""
        # A different size would trigger a recompilation for a single batch per epoch.
        whole = len(batch.labels) == self._batch_size
        loss, logits = self.learner.loss_and_logits(batch, self._compiled if whole else None)
        self.backward(loss if share == 1 else loss * share)
        return StepResult(loss.detach(), correct(logits, batch.labels))

    def update(self) -> None:
        """Update the weights with the gradients."""
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self._parameters, self._clip)
        self.update_weights()
        self.state.optimizer.zero_grad(set_to_none=True)

    def backward(self, loss: Tensor) -> None:
        """Accumulate the gradients of the loss."""
        loss.backward()

    def update_weights(self) -> None:
        """Update the weights with the gradients."""
        self.state.optimizer.step()


class CapturedStep:
    """Replays whole steps from a CUDA graph, captured once after a warm-up.

    Batches of a different size run eagerly, and so do steps with a momentum of their own: torch's
    optimizers take it as a Python number, which a graph would replay as it was captured. If
    capturing fails, all batches do, and the run reports why.

    Args:
        eager: the eager step.
        batch_size: images in a full batch.
    """

    #: Eager steps on the capturing stream before the capture: they allocate the optimizer's state
    #: and let libraries select their kernels.
    WARM_UP = 3

    def __init__(self, eager: EagerStep, batch_size: int) -> None:
        self._eager = eager
        self._batch_size = batch_size
        self._stream = torch.cuda.Stream()
        self._warmed_up = 0
        self._captured: _Captured | None = None
        self.failure = why_not_capturable(eager.state.optimizer)
        if self.failure is not None:
            log.warning(f"steps run eagerly: {self.failure}")
            return
        for group in eager.state.optimizer.param_groups:  # read by the graph on every replay
            group["lr"] = torch.as_tensor(group["lr"], device=eager.learner.device)

    def __call__(
        self,
        batch: TrainBatch,
        share: float,
        learning_rate: float | None,
        momentum: float | None = None,
    ) -> StepResult:
        if momentum is not None or learning_rate is None or not self._fits(batch):
            return self._eager(batch, share, learning_rate, momentum)
        if self._warmed_up < self.WARM_UP:
            return self._warm_up(batch, share, learning_rate)
        set_learning_rate(self._eager.state.optimizer, learning_rate)
        if self._captured is None:
            self._captured = self._capture(batch)
        if self._captured is None:
            return self._eager(batch, share, learning_rate)
        result = self._captured.replay(batch)
        # Not part of the graph, which would repeat the decay of the captured step.
        self._eager.state.update_average()
        return result

    def _fits(self, batch: TrainBatch) -> bool:
        return self.failure is None and len(batch.labels) == self._batch_size

    def _warm_up(self, batch: TrainBatch, share: float, learning_rate: float) -> StepResult:
        self._warmed_up += 1
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = self._eager(batch, share, learning_rate)
        torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def _capture(self, batch: TrainBatch) -> _Captured | None:
        graph = torch.cuda.CUDAGraph()
        inputs = type(batch)(*(part.clone() for part in batch))
        try:
            # Other threads may use the device meanwhile: one pins batches of the loader's workers,
            # another writes checkpoints.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                result = self._eager.gradients(inputs, 1.0)
                self._eager.update()
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            self.failure = f"the CUDA graph could not be captured ({reason})"
            log.warning(f"steps run eagerly: {self.failure}")
            return None
        return _Captured(graph, inputs, result)


class _Captured(NamedTuple):
    """A graph with the tensors from which it reads a batch and to which it writes its result."""

    graph: torch.cuda.CUDAGraph
    inputs: TrainBatch
    result: StepResult

    def replay(self, batch: TrainBatch) -> StepResult:
        for place, part in zip(self.inputs, batch, strict=True):
            place.copy_(part)
        self.graph.replay()
        # The next replay overwrites the same tensors.
        return StepResult(self.result.loss.clone(), self.result.hits.clone())


def why_not_capturable(optimizer: Optimizer) -> str | None:
    """Why a graph would replay an optimizer's step incorrectly; None if it would not.

    Optimizers declare this with ``capturable: False`` in a group, as torch's do: they count steps
    in Python numbers, so a graph would replay the same number every time.
    """
    if all(group.get("capturable", True) for group in optimizer.param_groups):
        return None
    return f"{type(optimizer).__name__} counts its steps outside the device"


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Set every group's learning rate to the given one times the group's ``lr_scale``."""
    for group in optimizer.param_groups:
        rate = learning_rate * group.get("lr_scale", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def set_momentum(optimizer: Optimizer, momentum: float) -> None:
    """Set every group's beta1 or, where it has no betas, its momentum."""
    for group in optimizer.param_groups:
        if "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


def freeze(model: nn.Module, after_epochs: dict[str, int], epoch: int) -> bool:
    """Freeze the parameters that are due; return whether any were newly frozen.

    Args:
        model: its parameters are selected by name prefix.
        after_epochs: prefixes, each with the number of epochs after which it is frozen.
        epoch: number of completed epochs.
    """
    over = tuple(name for name, epochs in after_epochs.items() if epoch >= epochs)
    frozen = [
        p for n, p in model.named_parameters() if p.requires_grad and over and n.startswith(over)
    ]
    for parameter in frozen:
        parameter.requires_grad_(False)
        parameter.grad = None
    return bool(frozen)
