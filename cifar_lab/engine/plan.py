"""How to train and for how long: the input of every engine."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.bounds import Epochs, Fraction, NonNegativeInt, PositiveFloat, PositiveInt


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The training plan, independent of the engine.

    Attributes:
        epochs: length of the run, which the schedule covers.
        batch_size: images per forward and backward pass.
        accumulate_batches: batches whose gradients, averaged over images, form one optimizer step.
        clip_gradient_norm: maximum norm of the whole gradient; None disables clipping.
        ema_decay: decay per step of averaged weights, which are then used for evaluation; None
            disables averaging.
        ema_warmup: use a smaller decay in the first steps, so that the average does not keep to
            the initial weights. Without it, 1 / (1 - decay) must not exceed the number of steps.
        freeze_after_epochs: prefixes of parameter names, each with the number of epochs after which
            these parameters are frozen: 0 freezes them from the first step. Gradients, momentum and
            weight decay no longer touch them, and their average stays equal to them. Statistics of
            batch norms are no parameters and go on following the data.
        image_sizes: pairs of an epoch, counted from 0, and the size in pixels of the images trained
            on from there on: the shorter side, to which they are resized. None trains on them as
            they are. Evaluation always does.
        early_stopping_patience: epochs without a better validation result (accuracy or, at the same
            accuracy, loss) after which training stops; None disables early stopping.
        max_minutes: wall time after which training stops at the next step; None disables the limit.
        limit_batches: maximum batches per epoch; the schedule still assumes whole epochs.
        limit_epochs: maximum epochs; the schedule still covers ``epochs``.
        test_every_epoch: evaluate the test images after each epoch, for plots only.
        captured_step: replay steps from a CUDA graph if they can be captured.
        compile: compile the model for training with ``torch.compile``.
    """

    epochs: Epochs
    batch_size: PositiveInt
    accumulate_batches: PositiveInt
    clip_gradient_norm: PositiveFloat | None
    ema_decay: Fraction | None
    ema_warmup: bool
    freeze_after_epochs: dict[str, NonNegativeInt]
    image_sizes: tuple[tuple[NonNegativeInt, PositiveInt], ...] | None
    early_stopping_patience: PositiveInt | None
    max_minutes: PositiveFloat | None
    limit_batches: PositiveInt | None
    limit_epochs: PositiveInt | None
    test_every_epoch: bool
    captured_step: bool
    compile: bool

    @property
    def epochs_to_train(self) -> int:
        """Epochs of this run, after limits."""
        return self.epochs if self.limit_epochs is None else min(self.limit_epochs, self.epochs)

    def batches_to_train(self, batches: int) -> int:
        """Batches to train in an epoch of ``batches``, after limits."""
        return batches if self.limit_batches is None else min(self.limit_batches, batches)

    def batches_of_step(self, batch: int, batches: int) -> range:
        """The batches that form one update together with ``batch``, in an epoch of ``batches``.

        The last update of an epoch may have fewer.
        """
        first = batch - batch % self.accumulate_batches
        return range(first, min(first + self.accumulate_batches, batches))

    def image_size(self, epoch: int) -> int | None:
        """Size of the images trained on in an epoch, counted from 0; None for their own."""
        sizes = [size for first, size in self.image_sizes or () if first <= epoch]
        return sizes[-1] if sizes else None

    def resizes_at(self, epoch: int) -> bool:
        """Whether the images of an epoch have another size than those of the one before."""
        return epoch > 0 and self.image_size(epoch) != self.image_size(epoch - 1)

    def images_per_step(self, processes: int) -> int:
        """Images per optimizer update, over all processes."""
        return self.batch_size * self.accumulate_batches * processes

    def steps_per_epoch(self, training_images: int, processes: int) -> int:
        """Optimizer steps in a whole epoch."""
        return -(-training_images // self.images_per_step(processes))
