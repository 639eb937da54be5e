"""The interface of training engines: the native loop and Lightning's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial

import torch

from cifar_lab.engine.fit import Fit, Loaders
from cifar_lab.engine.hooks import Hooks
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.plan import Plan
from cifar_lab.engine.state import TrainingState
from cifar_lab.engine.step import EagerStep, Step
from cifar_lab.engine.world import ALONE, World
from cifar_lab.optim.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Engine(ABC):
    """Trains a plan: in one process with eager steps, unless a subclass overrides this.

    Attributes:
        plan: how to train.
    """

    plan: Plan

    @property
    def world(self) -> World:
        """The processes that train together."""
        return ALONE

    @property
    def local_workers(self) -> int:
        """Number of additional processes that this one has to start on its machine."""
        return 0

    def place(self, device: torch.device) -> torch.device:
        """The device of this process.

        Raises:
            Refusal: there are too few devices.
        """
        return device

    def unmet_needs(self) -> list[str]:
        """What training needs but this machine lacks, one sentence each."""
        return []

    def fit(
        self,
        learner: Learner,
        loaders: Loaders,
        schedule: Schedule,
        state: TrainingState,
        hooks: Hooks,
        stop: StopRequest,
    ) -> str | None:
        """Train from the current state; ``state.stopped`` tells whether training ended early.

        Returns:
            Why steps that should have been captured ran eagerly; None if they were captured, or
            capture was not requested.

        Raises:
            NonFinite: the message names epoch, step and learning rate.
            Interrupted: a signal asked to stop; the state was passed to ``on_interrupt``.
        """
        make_step = partial(self.step, learner, state)
        fit = Fit(self.plan, self.world, learner, loaders, schedule, state, hooks, stop, make_step)
        return fit.run(self.drive)

    def step(self, learner: Learner, state: TrainingState) -> Step:
        """Create a step over the parameters that are currently trained."""
        return EagerStep(learner, state, self.plan)

    @abstractmethod
    def drive(self, fit: Fit) -> None:
        """The training loop: runs whole epochs while ``fit.goes_on``."""

    @abstractmethod
    def why_not_captured(self, device: torch.device) -> str | None:
        """Why steps will not be replayed from a CUDA graph; None if they will."""
