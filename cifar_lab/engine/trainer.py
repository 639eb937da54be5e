"""The native training loop for one device."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from cifar_lab.engine.engine import Engine
from cifar_lab.engine.fit import Fit
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.state import TrainingState
from cifar_lab.engine.step import CapturedStep, EagerStep, Step


@dataclass(frozen=True, kw_only=True)
class Trainer(Engine):
    """Trains on one device, and captures its steps in a CUDA graph where possible."""

    def drive(self, fit: Fit) -> None:
        while fit.goes_on:
            fit.begin_epoch()
            for batch in fit.epoch_batches():
                if fit.time_is_up():
                    break
                fit.train(batch)
            fit.end_epoch()

    def why_not_captured(self, device: torch.device) -> str | None:
        if not self.plan.captured_step:
            return "switched off"
        if device.type != "cuda":
            return f"the device is {device}"
        if self.plan.accumulate_batches > 1:
            return "gradients are accumulated over several batches"
        return "the model is compiled" if self.plan.compile else None

    def step(self, learner: Learner, state: TrainingState) -> Step:
        eager = EagerStep(learner, state, self.plan)
        if self.why_not_captured(learner.device) is None:
            return CapturedStep(eager, self.plan.batch_size)
        return eager
