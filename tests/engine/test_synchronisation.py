"""The step loop never waits for the device, which reading a tensor's value would cause."""

from __future__ import annotations

import albumentations as A
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from cifar_lab.data.arrays import Dataset, ImageArrays, SourceImages
from cifar_lab.data.augment import PadAndCrop
from cifar_lab.data.batch_augment import AugmentationStack
from cifar_lab.data.loaders import EvalLoader, TrainLoader
from cifar_lab.data.mixing import CutMix, Mixing, Mixup
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.hooks import Hooks
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.state import TrainingState
from cifar_lab.engine.trainer import Trainer
from cifar_lab.optim.schedules import Constant
from tests.engine.plans import make_plan


class _Readings(TorchDispatchMode):
    """Counts operations that return a tensor's value to Python."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._local_scalar_dense.default:
            self.count += 1
        return func(*args, **(kwargs or {}))


#: Enabled and disabled.
MIXINGS = pytest.mark.parametrize("mixing", [None, Mixup(1.0, 1.0), CutMix(1.0, 1.0)])


@MIXINGS
def test_as_many_values_are_read_in_a_long_epoch_as_in_a_short_one(mixing):
    counts = []
    for batches in (2, 12):
        with _Readings() as readings:
            _fit(batches, torch.device("cpu"), mixing)
        counts.append(readings.count)
    assert counts[0] == counts[1] > 0  # the epoch's results are read once


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@MIXINGS
def test_cuda_reports_no_synchronisation_within_the_steps(mixing):
    class Guard(Hooks):
        def on_batch_end(self, state):
            last = state.batches_done == 12
            torch.cuda.set_sync_debug_mode("default" if last else "error")

    try:
        _fit(12, torch.device("cuda"), mixing, Guard())
    finally:
        torch.cuda.set_sync_debug_mode("default")


def _fit(
    batches: int, device: torch.device, mixing: Mixing | None, hooks: Hooks | None = None
) -> None:
    generator = np.random.default_rng(0)
    number = 4 * batches
    arrays = ImageArrays(
        generator.integers(0, 256, (number, 8, 8, 3), dtype=np.uint8),
        generator.integers(0, 2, number),
        ("a", "b"),
        np.asarray([str(i) for i in range(number)]),
    )
    rows = np.arange(number)
    source = SourceImages(arrays, arrays, "")
    dataset = Dataset(source, rows, rows[:0], np.full(3, 0.5), np.full(3, 0.25))
    normalise = Normalise(dataset.mean, dataset.std, device, True, torch.float32)
    pixels = Pixels(arrays.images, device, resident=True)
    steps = {"crop": PadAndCrop(1, "reflect", p=1), "flip": A.HorizontalFlip(p=0.5)}
    stack = AugmentationStack(steps, 0, number, (8, 8), lowered=True)
    plan = make_plan(
        epochs=1, clip_gradient_norm=1.0, ema_decay=0.9, max_minutes=10.0, test_every_epoch=True
    )
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    Trainer(plan=plan).fit(
        Learner(model, nn.CrossEntropyLoss(), device, "float32", False),
        Loaders(
            TrainLoader(dataset, pixels, stack, normalise, mixing, 4, seed=0, workers=0),
            None,
            EvalLoader(pixels, arrays.labels, rows, normalise, 4 * number),
        ),
        Constant(epochs=1, steps_per_epoch=batches, max_lr=0.1),
        TrainingState(model, optimizer, plan.ema_decay, device),
        hooks or Hooks(),
        StopRequest(),
    )
