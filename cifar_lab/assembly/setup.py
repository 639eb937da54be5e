"""How an experiment is set up on its machine, apart from what the engine needs to know."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cifar_lab.bounds import NonNegativeInt, PositiveFloat, PositiveInt
from cifar_lab.precision import PrecisionChoice

#: Most worker processes to start if ``workers`` is None.
MOST_WORKERS = 8


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Precision, evaluation and speed settings of an experiment.

    Attributes:
        eval_batch_size: images per validation and test batch.
        precision: ``auto`` is bfloat16 if the device computes it in hardware and, on a CPU, a
            measurement shows that it is faster; else float32.
        channels_last: use the channels-last memory format for images and weights.
        workers: worker processes for augmentation steps that work image by image; 0 runs these
            steps in the training process; None starts one per CPU core, at most eight.
        test_time_flips: evaluate with test-time flip averaging: the mean of the logits of each
            image and its mirror image.
        resident_data: keep the images on the device if they need less than half its free memory.
        lowered_augmentation: use the batched form of each augmentation step that has one.
        fused_optimizer: use torch's fused optimizer, which updates all weights in one operation,
            if there is one.
        head_lr_factor: multiplies the learning rate of the last layer; 1 treats all layers alike.
        background_checkpoints: write checkpoints in a background thread.
        keep_freed_memory: keep freed memory in the process instead of requesting new memory from
            the system for every large tensor (glibc only).
    """

    eval_batch_size: PositiveInt
    precision: PrecisionChoice
    channels_last: bool
    workers: NonNegativeInt | None
    test_time_flips: bool
    resident_data: bool
    lowered_augmentation: bool
    fused_optimizer: bool
    head_lr_factor: PositiveFloat
    background_checkpoints: bool
    keep_freed_memory: bool

    def worker_processes(self) -> int:
        """Return the number of worker processes."""
        return min(os.cpu_count() or 1, MOST_WORKERS) if self.workers is None else self.workers
