"""How long and how to train: what every engine is told."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.bounds import Fraction, PositiveFloat, PositiveInt


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be trained, whichever engine does it.

    Attributes:
        epochs: length of the run; the schedule is planned over it.
        batch_size: images a forward and backward pass.
        accumulate_batches: batches whose gradients make one optimizer step, averaged over images.
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
        captured_step: replay steps from a CUDA graph where they can be captured.
        compile: compile the model for training with ``torch.compile``.
    """

    epochs: PositiveInt
    batch_size: PositiveInt
    accumulate_batches: PositiveInt
    clip_gradient_norm: PositiveFloat | None
    ema_decay: Fraction | None
    freeze_after_epochs: dict[str, PositiveInt]
    early_stopping_patience: PositiveInt | None
    max_minutes: PositiveFloat | None
    limit_batches: PositiveInt | None
    limit_epochs: PositiveInt | None
    test_every_epoch: bool
    captured_step: bool
    compile: bool

    @property
    def epochs_to_train(self) -> int:
        """Epochs of this run, limits included."""
        return self.epochs if self.limit_epochs is None else min(self.limit_epochs, self.epochs)

    def batches_to_train(self, batches: int) -> int:
        """Batches of an epoch that is ``batches`` long, limits included."""
        return batches if self.limit_batches is None else min(self.limit_batches, batches)

    def batches_of_step(self, batch: int, batches: int) -> range:
        """The batches whose gradients make one update with a batch's, in an epoch of ``batches``.

        The last update of an epoch may have fewer.
        """
        first = batch - batch % self.accumulate_batches
        return range(first, min(first + self.accumulate_batches, batches))

    def images_per_step(self, processes: int) -> int:
        """Images whose gradients make one update, over all processes."""
        return self.batch_size * self.accumulate_batches * processes

    def steps_per_epoch(self, training_images: int, processes: int) -> int:
        """Optimizer steps of a whole epoch."""
        return -(-training_images // self.images_per_step(processes))
