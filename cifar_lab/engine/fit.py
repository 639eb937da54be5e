"""A training run in progress: what every engine does around its steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

import torch

from cifar_lab.analysis.choice import Validated, is_better
from cifar_lab.data.loaders import Batch, EvalLoader, TrainBatch, TrainLoader
from cifar_lab.data.resizing import resized_batch
from cifar_lab.engine.hooks import Hooks, Row
from cifar_lab.engine.interrupts import Interrupted, StopRequest
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.plan import Plan
from cifar_lab.engine.state import TrainingState
from cifar_lab.engine.step import Step, StepResult, freeze
from cifar_lab.engine.world import World
from cifar_lab.optim.schedules import Schedule, momentum_at, steps_of
from cifar_lab.refusal import RunFailed
from cifar_lab.wording import plural


class NonFinite(RunFailed):
    """A loss, a weight or a running statistic became infinite or NaN."""


#: What usually helps.
REMEDIES = (
    "lower the learning rate, set trainer.clip_gradient_norm, or try trainer.precision=float32"
)
#: Columns of a row begin with these; messages name the splits so.
SPLITS = {"val": "validation", "test": "test"}


class Loaders(NamedTuple):
    """The loaders of a run.

    ``val`` is None without validation images, ``test`` if the test set stays closed.
    """

    train: TrainLoader
    val: EvalLoader | None
    test: EvalLoader | None


@dataclass
class Fit:
    """A single training run; everything that changes is in its state.

    An engine drives it: while it :attr:`goes_on`, the engine begins an epoch, trains its batches
    until :meth:`time_is_up`, and ends the epoch.

    Attributes:
        plan: how to train.
        world: the processes that train together.
        learner: model and criterion.
        loaders: the batches.
        schedule: the learning rates, and the momentum where it is cycled.
        state: the training state.
        hooks: called around the steps.
        stop: whether a stop was requested.
        make_step: creates a step over the parameters that are currently trained. It is called again
            when some are frozen or the images change their size, neither of which a captured step
            would follow.
        cut_short: why the current epoch ends before its last batch; None if it does not.
    """

    plan: Plan
    world: World
    learner: Learner
    loaders: Loaders
    schedule: Schedule
    state: TrainingState
    hooks: Hooks
    stop: StopRequest
    make_step: Callable[[], Step]
    cut_short: str | None = field(default=None, init=False)
    _step: Step | None = field(default=None, init=False)
    _epoch_started: float = field(default=0.0, init=False)

    @property
    def epochs(self) -> int:
        """Epochs of this run, after limits."""
        return self.plan.epochs_to_train

    @property
    def batches(self) -> int:
        """Batches per epoch of this run, after limits."""
        return self.plan.batches_to_train(len(self.loaders.train))

    @property
    def goes_on(self) -> bool:
        """Whether there is another epoch to train."""
        return self.state.epoch < self.epochs and self.state.stopped is None

    @property
    def failure(self) -> str | None:
        """Why steps ran eagerly although they should have been captured; None if nothing failed."""
        return None if self._step is None else self._step.failure

    def run(self, drive: Callable[[Fit], None]) -> str | None:
        """Train with an engine's loop and return :attr:`failure`.

        Raises:
            NonFinite: the message names epoch, step and learning rate; the hooks were passed the
                failed epoch like any other.
            Interrupted: a signal asked to stop; the state was passed to ``on_interrupt``.
        """
        self.hooks.on_fit_start(self.state, self.epochs, self.batches)
        try:
            with self.stop.deferred():
                drive(self)
        finally:
            self.hooks.on_fit_end()
        if self.state.failed:
            raise NonFinite(f"{self.state.stopped}; {REMEDIES}")
        return self.failure

    def begin_epoch(self) -> None:
        """Freeze parameters that are due; call before the first batch trained in an epoch."""
        self._epoch_started = time.monotonic() - self.state.train_seconds
        self.cut_short = None
        self.learner.model.train()
        frozen = freeze(self.learner.model, self.plan.freeze_after_epochs, self.state.epoch)
        if frozen or self._step is None or self.plan.resizes_at(self.state.epoch):
            self._step = self.make_step()

    def epoch_batches(self) -> Iterator[TrainBatch]:
        """The remaining batches of the current epoch, in its size."""
        state, size = self.state, self.plan.image_size(self.state.epoch)
        batches = self.loaders.train.batches(state.epoch, state.batches_done, self.batches)
        return (resized_batch(batch, size) for batch in batches)

    def time_is_up(self) -> bool:
        """Whether the current epoch ends before its next batch; checked only between updates."""
        index = self.state.batches_done
        between_updates = index > 0 and index % self.plan.accumulate_batches == 0
        if between_updates and self._time_limit_reached():
            self.cut_short = f"{self._time_limit()}, after {index} of {self.batches} batches"
        return self.cut_short is not None

    def train(self, batch: TrainBatch) -> None:
        """Train the next batch, then stop if a signal has asked for it."""
        assert self._step is not None, "call begin_epoch first"
        state, world, index = self.state, self.world, self.state.batches_done
        together = self.plan.batches_of_step(index, self.batches)
        ends_step = index == together[-1]
        number = self._step_number(index)
        result = self._step(
            batch,
            # Gradients are averaged over processes, regardless of how many images each one had.
            share=len(batch.labels) * world.size / self._images(together),
            learning_rate=self.schedule.learning_rate(number) if ends_step else None,
            momentum=momentum_at(self.schedule, number) if ends_step else None,
        )
        count = len(batch.labels)
        if world.size > 1:
            result, count = self._over_all_processes(result, count, index)
        state.train_metrics.update(*result, count, number)
        state.batches_done += 1
        state.train_seconds = time.monotonic() - self._epoch_started
        self.hooks.on_batch_end(state)
        if ends_step:
            self.leave_if_asked()

    def end_epoch(self) -> None:
        """Evaluate, write the epoch's row and decide whether training continues."""
        state, world, train = self.state, self.world, self.state.train_metrics.result()
        evaluation_started = time.monotonic()
        last = self._step_number(state.batches_done - 1)
        momentum = momentum_at(self.schedule, last)
        row: Row = {
            "epoch": state.epoch + 1,
            "step": last + 1,
            "lr": self.schedule.learning_rate(last),
            **({} if momentum is None else {"momentum": momentum}),
            "train_loss": train.loss,
            "train_accuracy": train.accuracy,
        }
        if self.loaders.val is not None and world.leads:
            self._evaluate("val", self.loaders.val, row)
        if self.plan.test_every_epoch and self.loaders.test is not None and world.leads:
            self._evaluate("test", self.loaders.test, row)
        row["evaluation_seconds"] = time.monotonic() - evaluation_started
        row["epoch_seconds"] = state.train_seconds + row["evaluation_seconds"]
        row["images_per_second"] = train.count / state.train_seconds
        # The state must not change before all evaluations are done, so that an interrupted
        # evaluation can be repeated.
        not_finite = self._not_finite(row) if world.leads else None
        is_best = world.leads and self._remember_best(row, not_finite is not None)
        state.begin_next_epoch(row["epoch_seconds"])
        self.hooks.on_epoch_evaluated(state, row)
        reason = not_finite or self.cut_short or self._reason_to_stop()
        state.stopped, state.failed = world.broadcast((reason, not_finite is not None))
        self.hooks.on_epoch_end(state, row, is_best)
        self.leave_if_asked()

    def leave_if_asked(self) -> None:
        """Pass the state to ``on_interrupt`` and stop, if a signal asked for it.

        Raises:
            Interrupted: a signal asked to stop.
        """
        if self.stop.requested is not None:
            self.hooks.on_interrupt(self.state)
            raise Interrupted(self.stop.requested)

    def _over_all_processes(
        self, result: StepResult, count: int, index: int
    ) -> tuple[StepResult, int]:
        sums = torch.stack([result.loss.double() * count, result.hits.double()])
        loss, hits = self.world.sum(sums)
        images = self._images(range(index, index + 1))
        return StepResult(loss / images, hits.long()), images

    def _step_number(self, batch_index: int) -> int:
        """Index of the update that a batch belongs to, in the unshortened run."""
        steps_before = self.state.epoch * self.schedule.steps_per_epoch
        return steps_before + batch_index // self.plan.accumulate_batches

    def _images(self, batches: range) -> int:
        """Number of images in these batches of an epoch, over all processes."""
        size = self.loaders.train.batch_size * self.world.size
        return min(batches.stop * size, len(self.loaders.train.rows)) - batches.start * size

    def _not_finite(self, row: Row) -> str | None:
        """What is not finite after the epoch's last step, and since when; None if nothing is."""
        state = self.state
        step = state.train_metrics.first_bad_step()
        what = "the training loss"
        if step is None:
            step = self._step_number(state.batches_done - 1)
            what = state.not_finite() or ""
        if not what:
            bad = [split for split in ("val", "test") if not isfinite(row.get(f"{split}_loss", 0))]
            what = f"the {SPLITS[bad[0]]} loss" if bad else ""
        if not what:
            return None
        return (
            f"{what} became non-finite in epoch {state.epoch + 1}, at step {step} of the run, with "
            f"learning rate {self.schedule.learning_rate(step):.4g}"
        )

    def _remember_best(self, row: Row, failed: bool) -> bool:
        """Whether this epoch is the best so far; without validation, the latest always is.

        A failed epoch is the best only if it is the only one.
        """
        first = steps_of(self.schedule).start // self.schedule.steps_per_epoch
        if failed and self.state.epoch > first:
            return False
        if self.loaders.val is None:
            return True
        best = self.state.best
        if best is not None and not is_better(_validation(row), _validation(best)):
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
            self.leave_if_asked()
            yield batch

    def _reason_to_stop(self) -> str | None:
        """Why training stops early; None if no epoch is left, or there is no reason to stop."""
        state, patience = self.state, self.plan.early_stopping_patience
        if state.epoch >= self.epochs:
            return None
        if self._time_limit_reached():
            return self._time_limit()
        if patience is None or state.best is None or state.epoch - state.best["epoch"] < patience:
            return self.hooks.reason_to_stop(state)
        return f"validation accuracy has not improved for {plural(patience, 'epoch', 'epochs')}"

    def _time_limit_reached(self) -> bool:
        limit = self.plan.max_minutes
        if limit is None:
            return False
        minutes = (self.state.elapsed_seconds + self.state.train_seconds) / 60
        return self.world.broadcast(minutes >= limit)

    def _time_limit(self) -> str:
        begun = self.state.epoch + (self.state.batches_done > 0)
        return f"reached the time limit of {self.plan.max_minutes:g} minutes in epoch {begun}"


def _validation(row: Row) -> Validated:
    return Validated(row["val_accuracy"], row["val_loss"])
