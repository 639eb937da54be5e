"""The native loop for one device."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
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
        early_stopping_patience: epochs without a better validation accuracy after which training
            stops; None: never.
        max_minutes: wall time after which training stops at the next step; None: no limit.
        limit_batches: batches an epoch at most; the schedule stays that of whole epochs.
        limit_epochs: epochs at most; the schedule stays that of ``epochs``.
        test_every_epoch: evaluate the test images after each epoch, for drawing only.
        workers: processes that augment images; 0 augments in the training process.
    """

    epochs: PositiveInt
    batch_size: PositiveInt
    eval_batch_size: PositiveInt
    accumulate_batches: PositiveInt
    precision: PrecisionChoice
    channels_last: bool
    clip_gradient_norm: PositiveFloat | None
    ema_decay: Fraction | None
    early_stopping_patience: PositiveInt | None
    max_minutes: PositiveFloat | None
    limit_batches: PositiveInt | None
    limit_epochs: PositiveInt | None
    test_every_epoch: bool
    workers: NonNegativeInt

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
    ) -> None:
        """Trains from where the state stands; ``state.stopped`` tells whether it ended early.

        Raises:
            NonFiniteLoss: names epoch, step and learning rate.
            Interrupted: asked to stop by a signal; the state was handed to ``on_interrupt``.
        """
        _Fit(self, learner, loaders, schedule, state, hooks, stop).run()


@dataclass(frozen=True)
class _Fit:
    """One training in progress; everything that changes is in its state."""

    trainer: Trainer
    learner: Learner
    loaders: Loaders
    schedule: Schedule
    state: TrainingState
    hooks: Hooks
    stop: StopRequest

    @property
    def epochs(self) -> int:
        limit = self.trainer.limit_epochs
        return self.trainer.epochs if limit is None else min(limit, self.trainer.epochs)

    @property
    def batches(self) -> int:
        """Batches an epoch of this run, limits included."""
        limit = self.trainer.limit_batches
        return len(self.loaders.train) if limit is None else min(limit, len(self.loaders.train))

    def run(self) -> None:
        self.hooks.on_fit_start(self.state, self.epochs, self.batches)
        try:
            with self.stop.deferred():
                while self.state.epoch < self.epochs and self.state.stopped is None:
                    self._epoch()
                    self._leave_if_asked()
        finally:
            self.hooks.on_fit_end()

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
        for batch in self.loaders.train.batches(state.epoch, state.batches_done, self.batches):
            index = state.batches_done
            if index > 0 and index % group == 0 and self._time_is_up():
                return f"{self._time_limit()}, after {index} of {self.batches} batches"
            loss, logits = self.learner.loss_and_logits(batch)
            (loss * (len(batch.labels) / self._images_of_step(index))).backward()
            state.train_metrics.update(loss, logits, batch.labels, self._step_number(index))
            state.batches_done += 1
            ends_step = state.batches_done % group == 0 or state.batches_done == self.batches
            if ends_step:
                self._update_weights(self.schedule.learning_rate(self._step_number(index)))
            state.train_seconds = time.monotonic() - started
            self.hooks.on_batch_end(state)
            if ends_step:
                self._leave_if_asked()
        return None

    def _update_weights(self, learning_rate: float) -> None:
        model, optimizer = self.learner.model, self.state.optimizer
        for parameters in optimizer.param_groups:
            parameters["lr"] = learning_rate
        if self.trainer.clip_gradient_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.trainer.clip_gradient_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if self.state.ema is not None:
            self.state.ema.update(model)

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
