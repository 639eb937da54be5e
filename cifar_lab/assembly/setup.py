"""How an experiment is put together on its machine: what is no engine's to know."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cifar_lab.bounds import NonNegativeInt, PositiveInt
from cifar_lab.engine.precision import PrecisionChoice

#: Processes for single images at most, where their number is left open.
MOST_WORKERS = 8


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What an experiment computes in, and what makes it fast.

    Attributes:
        eval_batch_size: images a batch of validation and test.
        precision: ``auto`` is bfloat16 where the device has it in hardware, else float32.
        channels_last: memory format of images and weights.
        workers: processes for augmentation steps that work on single images; 0 does them in the
            training process; None takes as many as there are cores, at most eight.
        test_time_flips: evaluate by the mean of the logits of each image and its mirror image.
        resident_data: keep the images on the device where they take under half of its free memory.
        lowered_augmentation: run steps on whole batches where they can.
        fused_optimizer: let torch update all weights in one operation where it can.
        background_checkpoints: write them in a thread of their own.
        keep_freed_memory: take no fresh memory from the system for every large tensor (glibc).
    """

    eval_batch_size: PositiveInt
    precision: PrecisionChoice
    channels_last: bool
    workers: NonNegativeInt | None
    test_time_flips: bool
    resident_data: bool
    lowered_augmentation: bool
    fused_optimizer: bool
    background_checkpoints: bool
    keep_freed_memory: bool

    def worker_processes(self) -> int:
        """``workers`` as a number."""
        return min(os.cpu_count() or 1, MOST_WORKERS) if self.workers is None else self.workers
