"""The learning-rate range test of the torch-lr-finder package, as in its documentation."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmarks.peers import plain_loop

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # from tqdm, about notebooks
    import torch_lr_finder


def range_test(
    model: nn.Module,
    criterion: nn.Module,
    batches: Sequence[tuple[Tensor, Tensor]],
    precision: str,
    start_lr: float,
    end_lr: float,
    steps: int,
    divergence: float,
) -> tuple[list[float], list[float]]:
    """Returns learning rates and smoothed losses; the model is restored afterwards.

    Args:
        model: contiguous, in float32.
        criterion: maps logits and labels to a loss.
        batches: images and labels, one batch per step, on the model's device.
        precision: ``bfloat16`` computes under autocast.
        start_lr: learning rate of the first step.
        end_lr: learning rate of the last step.
        steps: largest number of steps.
        divergence: stops when the smoothed loss exceeds its minimum by this factor.
    """
    optimizer = plain_loop.sgd(model, start_lr)
    device = next(model.parameters()).device
    mixed = {}
    if precision == "bfloat16":
        mixed = {
            "amp_backend": "torch",
            "amp_config": {"device_type": device.type, "dtype": torch.bfloat16},
            # bfloat16 has the range of float32, so that no scaling is needed.
            "grad_scaler": torch.amp.GradScaler(device.type, enabled=False),
        }
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        finder = torch_lr_finder.LRFinder(model, optimizer, criterion, device, **mixed)
        finder.range_test(
            torch_lr_finder.TrainDataLoaderIter(list(batches)),
            start_lr=start_lr,
            end_lr=end_lr,
            num_iter=steps,
            diverge_th=divergence,
        )
        history = copy.deepcopy(finder.history)
        finder.reset()
    return history["lr"], history["loss"]
