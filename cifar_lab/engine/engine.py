"""What trains a plan. The native loop is one engine, Lightning's another."""

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
    """Trains a plan: in one process, and with steps as written, unless an engine says otherwise.

    Attributes:
        plan: what to train.
    """

    plan: Plan

    @property
    def world(self) -> World:
        """The processes that train together."""
        return ALONE

    @property
    def companions(self) -> int:
        """Processes that this one has to start on its machine, to train along."""
        return 0

    def place(self, device: torch.device) -> torch.device:
        """The device of this process.

        Raises:
            Refusal: there are too few.
        """
        return device

    def unmet_needs(self) -> list[str]:
        """What training lacks on this machine, a sentence each."""
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
        """Trains from where the state stands; ``state.stopped`` tells whether it ended early.

        Returns:
            Why steps that were to be captured ran eagerly; None where they were captured, or
            were not to be.

        Raises:
            NonFiniteLoss: names epoch, step and learning rate.
            Interrupted: asked to stop by a signal; the state was handed to ``on_interrupt``.
        """
        make_step = partial(self.step, learner, state)
        fit = Fit(self.plan, self.world, learner, loaders, schedule, state, hooks, stop, make_step)
        return fit.run(self.drive)

    def step(self, learner: Learner, state: TrainingState) -> Step:
        """A step over the parameters that are trained at this time."""
        return EagerStep(learner, state, self.plan)

    @abstractmethod
    def drive(self, fit: Fit) -> None:
        """The loop: whole epochs, until the fit does not go on."""

    @abstractmethod
    def why_not_captured(self, device: torch.device) -> str | None:
        """Why steps are not to be replayed from a CUDA graph; None where they are."""
