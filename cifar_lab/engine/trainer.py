"""The native loop for one device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from cifar_lab.bounds import Fraction, NonNegativeInt, PositiveFloat, PositiveInt
from cifar_lab.engine.fit import Fit, Loaders
from cifar_lab.engine.hooks import Hooks
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.precision import PrecisionChoice
from cifar_lab.engine.state import TrainingState
from cifar_lab.engine.step import CapturedStep, EagerStep, Step
from cifar_lab.engine.world import ALONE, World
from cifar_lab.optim.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """How to train.

    Attributes:
        epochs: length of the run; the schedule is planned over it.
        batch_size: images a forward and backward pass.
        eval_batch_size: images a batch of validation and test.
        accumulate_batches: batches whose gradients make one optimizer step, averaged over images.
        precision: ``auto`` is bfloat16 where the device has it in hardware, else float32.
        channels_last: memory format of images and weights.
        clip_gradient_norm: largest norm of the whole gradient; None does not clip.
        ema_decay: decay a step of averaged weights, which are then what is evaluated; None: none.
            The average begins with the initial weights: 1 / (1 - decay) should be well below the
            number of steps.
        freeze_after_epochs: beginnings of parameters' names, each with the epochs after which they
            are trained no more; a first layer that is frozen saves its backward pass.
        early_stopping_patience: epochs without a better validation accuracy after which training
            stops; None: never.
        max_minutes: wall time after which training stops at the next step; None: no limit.
        limit_batches: batches an epoch at most; the schedule stays that of whole epochs.
        limit_epochs: epochs at most; the schedule stays that of ``epochs``.
        test_every_epoch: evaluate the test images after each epoch, for drawing only.
        workers: processes for augmentation steps that work on single images; 0 does them in the
            training process; None takes as many as there are cores, at most eight.
        test_time_flips: evaluate by the mean of the logits of each image and its mirror image.
        resident_data: keep the images on the device where they take under half of its free memory.
        lowered_augmentation: run steps on whole batches where they can.
        fused_optimizer: let torch update all weights in one operation where it can.
        captured_step: replay steps from a CUDA graph where they can be captured.
        background_checkpoints: write them in a thread of their own.
        keep_freed_memory: take no fresh memory from the system for every large tensor (glibc).
        compile: compile the model for training with ``torch.compile``.
    """

    epochs: PositiveInt
    batch_size: PositiveInt
    eval_batch_size: PositiveInt
    accumulate_batches: PositiveInt
    precision: PrecisionChoice
    channels_last: bool
    clip_gradient_norm: PositiveFloat | None
    ema_decay: Fraction | None
    freeze_after_epochs: dict[str, PositiveInt]
    early_stopping_patience: PositiveInt | None
    max_minutes: PositiveFloat | None
    limit_batches: PositiveInt | None
    limit_epochs: PositiveInt | None
    test_every_epoch: bool
    workers: NonNegativeInt | None
    test_time_flips: bool
    resident_data: bool
    lowered_augmentation: bool
    fused_optimizer: bool
    captured_step: bool
    background_checkpoints: bool
    keep_freed_memory: bool
    compile: bool

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

    def images_per_step(self) -> int:
        """Images whose gradients make one update, over all processes."""
        return self.batch_size * self.accumulate_batches * self.world.size

    def steps_per_epoch(self, training_images: int) -> int:
        """Optimizer steps of a whole epoch."""
        return -(-training_images // self.images_per_step())

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
        return Fit(self, learner, loaders, schedule, state, hooks, stop, make_step).run(self.drive)

    def drive(self, fit: Fit) -> None:
        """The loop: whole epochs, until the fit does not go on."""
        while fit.goes_on:
            fit.begin_epoch()
            for batch in fit.epoch_batches():
                if fit.time_is_up():
                    break
                fit.train(batch)
            fit.end_epoch()

    def why_not_captured(self, device: torch.device) -> str | None:
        """Why steps are not to be replayed from a CUDA graph; None where they are."""
        if not self.captured_step:
            return "switched off"
        if device.type != "cuda":
            return f"the device is {device}"
        if self.accumulate_batches > 1:
            return "gradients are accumulated over several batches"
        return "the model is compiled" if self.compile else None

    def compiled(self, learner: Learner) -> Callable[[Tensor], Tensor] | None:
        """The model's compiled form; None where it is not to be compiled."""
        return torch.compile(learner.model, dynamic=False) if self.compile else None

    def step(self, learner: Learner, state: TrainingState) -> Step:
        """A step over the parameters that are trained at this time."""
        compiled = self.compiled(learner)
        eager = EagerStep(learner, state, self.clip_gradient_norm, compiled, self.batch_size)
        if self.why_not_captured(learner.device) is None:
            return CapturedStep(eager, self.batch_size)
        return eager
