"""One training step: forward, backward and update, run as written or replayed from a CUDA graph."""

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
    """What a batch gave: ``loss`` float32 ``()``, ``hits`` int64 ``()``, both on the device."""

    loss: Tensor
    hits: Tensor


class Step(Protocol):
    """Computes gradients of a batch and, where a learning rate is given, updates the weights.

    Attributes:
        failure: why it runs as written though it should not; None where nothing failed.
    """

    failure: str | None

    def __call__(self, batch: TrainBatch, share: float, learning_rate: float | None) -> StepResult:
        """``share`` of the update's images that the batch holds, 1 without accumulation."""


class EagerStep:
    """Runs a step as it is written.

    Args:
        learner: model and criterion.
        state: its optimizer and average are updated.
        plan: whether to clip and to compile, and how many images a whole batch has.
    """

    failure: str | None = None

    def __init__(self, learner: Learner, state: TrainingState, plan: Plan) -> None:
        self.learner = learner
        self.state = state
        self._clip = plan.clip_gradient_norm
        self._compiled = torch.compile(learner.model, dynamic=False) if plan.compile else None
        self._batch_size = plan.batch_size
        self._parameters = list(learner.model.parameters())

    def __call__(self, batch: TrainBatch, share: float, learning_rate: float | None) -> StepResult:
        result = self.gradients(batch, share)
        if learning_rate is not None:
            set_learning_rate(self.state.optimizer, learning_rate)
            self.update()
        return result

    def gradients(self, batch: TrainBatch, share: float) -> StepResult:
        """Forward and backward."""
        # Another size would be compiled anew, for one batch an epoch.
        whole = len(batch.labels) == self._batch_size
        loss, logits = self.learner.loss_and_logits(batch, self._compiled if whole else None)
        self.backward(loss if share == 1 else loss * share)
        return StepResult(loss.detach(), correct(logits, batch.labels))

    def update(self) -> None:
        """Takes the gradients to the weights, and the weights to their average."""
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self._parameters, self._clip)
        self.update_weights()
        self.state.optimizer.zero_grad(set_to_none=True)
        if self.state.ema is not None:
            self.state.ema.update(self.learner.model)

    def backward(self, loss: Tensor) -> None:
        """Adds the loss's gradients to those of the weights."""
        loss.backward()

    def update_weights(self) -> None:
        """Takes the gradients to the weights."""
        self.state.optimizer.step()


class CapturedStep:
    """Replays whole steps from a CUDA graph, captured once after a warm-up.

    Batches of another size run as written. Where capturing fails, all do, and the run says why.

    Args:
        eager: the step as written.
        batch_size: images of a whole batch.
    """

    #: Steps run as written, on the capturing stream, before the capture: they allocate what the
    #: optimizer keeps and let libraries choose their kernels.
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
        for group in eager.state.optimizer.param_groups:  # read by the graph at every replay
            group["lr"] = torch.as_tensor(group["lr"], device=eager.learner.device)

    def __call__(self, batch: TrainBatch, share: float, learning_rate: float | None) -> StepResult:
        if self.failure or learning_rate is None or len(batch.labels) != self._batch_size:
            return self._eager(batch, share, learning_rate)
        if self._warmed_up < self.WARM_UP:
            return self._warm_up(batch, share, learning_rate)
        set_learning_rate(self._eager.state.optimizer, learning_rate)
        if self._captured is None:
            self._captured = self._capture(batch)
        if self._captured is None:
            return self._eager(batch, share, learning_rate)
        return self._captured.replay(batch)

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
            with torch.cuda.graph(graph, stream=self._stream):
                result = self._eager.gradients(inputs, 1.0)
                self._eager.update()
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            self.failure = f"the CUDA graph could not be captured ({reason})"
            log.warning(f"steps run eagerly: {self.failure}")
            return None
        return _Captured(graph, inputs, result)


class _Captured(NamedTuple):
    """A graph with the places that it reads a batch from and writes its result to."""

    graph: torch.cuda.CUDAGraph
    inputs: TrainBatch
    result: StepResult

    def replay(self, batch: TrainBatch) -> StepResult:
        for place, part in zip(self.inputs, batch, strict=True):
            place.copy_(part)
        self.graph.replay()
        # The next replay writes to the same places.
        return StepResult(self.result.loss.clone(), self.result.hits.clone())


def why_not_capturable(optimizer: Optimizer) -> str | None:
    """Why a graph would repeat an optimizer's step wrongly; None where it would not.

    A group says so as torch's own do, by ``capturable: False``: it counts steps in numbers of
    Python's, and a graph would see the same number again and again.
    """
    if all(group.get("capturable", True) for group in optimizer.param_groups):
        return None
    return f"{type(optimizer).__name__} counts its steps outside of the device"


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Sets every group's learning rate to the given one times the group's ``lr_scale``."""
    for group in optimizer.param_groups:
        rate = learning_rate * group.get("lr_scale", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def freeze(model: nn.Module, after_epochs: dict[str, int], epoch: int) -> bool:
    """Stops training the parameters whose time is over; tells whether any was trained until now.

    Args:
        model: its parameters are chosen by the beginning of their names.
        after_epochs: beginnings of names, each with the epochs after which it is frozen.
        epoch: whole epochs behind us.
    """
    over = tuple(name for name, epochs in after_epochs.items() if epoch >= epochs)
    frozen = [
        p for n, p in model.named_parameters() if p.requires_grad and over and n.startswith(over)
    ]
    for parameter in frozen:
        parameter.requires_grad_(False)
        parameter.grad = None
    return bool(frozen)
