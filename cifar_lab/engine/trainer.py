"""The native loop for one device."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from cifar_lab.bounds import Fraction, NonNegativeInt, PositiveFloat, PositiveInt
from cifar_lab.data.loaders import Batch, EvalLoader, TrainLoader
from cifar_lab.engine.hooks import Hooks, Row
from cifar_lab.engine.interrupts import Interrupted, StopRequest
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.engine.precision import PrecisionChoice
from cifar_lab.engine.state import TrainingState
from cifar_lab.engine.step import CapturedStep, EagerStep, Step, freeze
from cifar_lab.optim.schedules import Schedule
from cifar_lab.refusal import RunFailed


class NonFiniteLoss(RunFailed):
    """The loss became infinite or not a number."""


class Loaders(NamedTuple):
    """The batches of a run; ``val`` is None without validation images."""

    train: TrainLoader
    val: EvalLoader | None
    test: EvalLoader


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

    def steps_per_epoch(self, training_images: int) -> int:
        """Optimizer steps of a whole epoch."""
        return -(-training_images // (self.batch_size * self.accumulate_batches))

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
        return _Fit(self, learner, loaders, schedule, state, hooks, stop).run()

    def why_not_captured(self, device: torch.device) -> str | None:
        """Why steps are not to be replayed from a CUDA graph; None where they are."""
        if not self.captured_step:
            return "switched off"
        if device.type != "cuda":
            return f"the device is {device}"
        if self.accumulate_batches > 1:
            return "gradients are accumulated over several batches"
        return "the model is compiled" if self.compile else None

    def step(self, learner: Learner, state: TrainingState) -> Step:
        """A step over the parameters that are trained at this time."""
        compiled = torch.compile(learner.model, dynamic=False) if self.compile else None
        eager = EagerStep(learner, state, self.clip_gradient_norm, compiled, self.batch_size)
        if self.why_not_captured(learner.device) is None:
            return CapturedStep(eager, self.batch_size)
        return eager


@dataclass
class _Fit:
    """One training in progress; everything that changes is in its state.

    Attributes:
        step: made anew when parameters are frozen, as a captured one would go on training them.
    """

    trainer: Trainer
    learner: Learner
    loaders: Loaders
    schedule: Schedule
    state: TrainingState
    hooks: Hooks
    stop: StopRequest
    step: Step = field(init=False)

    @property
    def epochs(self) -> int:
        limit = self.trainer.limit_epochs
        return self.trainer.epochs if limit is None else min(limit, self.trainer.epochs)

    @property
    def batches(self) -> int:
        """Batches an epoch of this run, limits included."""
        limit = self.trainer.limit_batches
        return len(self.loaders.train) if limit is None else min(limit, len(self.loaders.train))

    def run(self) -> str | None:
        self.hooks.on_fit_start(self.state, self.epochs, self.batches)
        try:
            with self.stop.deferred():
                self.step = self.trainer.step(self.learner, self.state)
                while self.state.epoch < self.epochs and self.state.stopped is None:
                    self._epoch()
                    self._leave_if_asked()
        finally:
            self.hooks.on_fit_end()
        return self.step.failure

    def _epoch(self) -> None:
        state = self.state
        cut_short = self._train()
        train = self._finite_result()
        evaluation_started = time.monotonic()
        row: Row = {
            "epoch": state.epoch + 1,
            "lr": self.schedule.learning_rate(self._step_number(state.batches_done - 1)),
            "train_loss": train.loss,
            "train_accuracy": train.accuracy,
        }
        if self.loaders.val is not None:
            self._evaluate("val", self.loaders.val, row)
        if self.trainer.test_every_epoch:
            self._evaluate("test", self.loaders.test, row)
        row["epoch_seconds"] = state.train_seconds + time.monotonic() - evaluation_started
        row["images_per_second"] = train.count / state.train_seconds
        # Nothing of the state changes before every evaluation is done: one that is interrupted
        # is done again.
        is_best = self._remember_best(row)
        state.begin_next_epoch(row["epoch_seconds"])
        state.stopped = cut_short or self._reason_to_stop()
        self.hooks.on_epoch_end(state, row, is_best)

    def _train(self) -> str | None:
        """Trains the rest of an epoch; says why, if it was cut short."""
        state, group = self.state, self.trainer.accumulate_batches
        started = time.monotonic() - state.train_seconds
        self.learner.model.train()
        if freeze(self.learner.model, self.trainer.freeze_after_epochs, state.epoch):
            self.step = self.trainer.step(self.learner, state)
        for batch in self.loaders.train.batches(state.epoch, state.batches_done, self.batches):
            index = state.batches_done
            if index > 0 and index % group == 0 and self._time_is_up():
                return f"{self._time_limit()}, after {index} of {self.batches} batches"
            ends_step = (index + 1) % group == 0 or index + 1 == self.batches
            number = self._step_number(index)
            result = self.step(
                batch,
                share=len(batch.labels) / self._images_of_step(index),
                learning_rate=self.schedule.learning_rate(number) if ends_step else None,
            )
            state.train_metrics.update(*result, len(batch.labels), number)
            state.batches_done += 1
            state.train_seconds = time.monotonic() - started
            self.hooks.on_batch_end(state)
            if ends_step:
                self._leave_if_asked()
        return None

    def _step_number(self, batch_index: int) -> int:
        """Number of the update that a batch belongs to, in the unshortened run."""
        steps_before = self.state.epoch * self.schedule.steps_per_epoch
        return steps_before + batch_index // self.trainer.accumulate_batches

    def _images_of_step(self, batch_index: int) -> int:
        """Images whose gradients make the update that a batch belongs to."""
        group, size = self.trainer.accumulate_batches, self.loaders.train.batch_size
        first = batch_index - batch_index % group
        end = min(first + group, self.batches)
        return min(end * size, len(self.loaders.train.rows)) - first * size

    def _finite_result(self) -> LossAndAccuracy:
        step = self.state.train_metrics.first_bad_step()
        if step is not None:
            raise NonFiniteLoss(
                f"the training loss is not finite from epoch {self.state.epoch + 1}, step {step} "
                f"of the run on, at learning rate {self.schedule.learning_rate(step):.4g}; lower "
                "the learning rate, set trainer.clip_gradient_norm, or try "
                "trainer.precision=float32"
            )
        return self.state.train_metrics.result()

    def _remember_best(self, row: Row) -> bool:
        """Whether this epoch is the best so far; without validation, the newest always is."""
        if self.loaders.val is None:
            return True
        best = self.state.best
        if best is not None and row["val_accuracy"] <= best["val_accuracy"]:
            return False
        self.state.best = {name: row[name] for name in ("epoch", "val_loss", "val_accuracy")}
        return True

    def _evaluate(self, split: str, loader: EvalLoader, row: Row) -> None:
        batches = self._interruptible(loader)
        _, metrics = self.learner.predict(batches, self.state.evaluated_model)
        result = metrics.result()
        row[f"{split}_loss"], row[f"{split}_accuracy"] = result.loss, result.accuracy

    def _interruptible(self, loader: EvalLoader) -> Iterator[Batch]:
        for batch in loader:
            self._leave_if_asked()
            yield batch

    def _leave_if_asked(self) -> None:
        if self.stop.requested is not None:
            self.hooks.on_interrupt(self.state)
            raise Interrupted(self.stop.requested)

    def _reason_to_stop(self) -> str | None:
        """Why no further epoch is begun; None where none is left, or nothing speaks against it."""
        state, patience = self.state, self.trainer.early_stopping_patience
        if state.epoch >= self.epochs:
            return None
        if self._time_is_up():
            return self._time_limit()
        if patience is None or state.best is None or state.epoch - state.best["epoch"] < patience:
            return None
        return f"no better validation accuracy for {patience} epochs"

    def _time_is_up(self) -> bool:
        minutes = (self.state.elapsed_seconds + self.state.train_seconds) / 60
        return self.trainer.max_minutes is not None and minutes >= self.trainer.max_minutes

    def _time_limit(self) -> str:
        begun = self.state.epoch + (self.state.batches_done > 0)
        return f"the wall time limit of {self.trainer.max_minutes:g} minutes in epoch {begun}"
