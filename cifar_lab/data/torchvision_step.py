"""Transforms of torchvision (v2) as augmentation steps on single images."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms import v2

from cifar_lab.data.draws import global_draws


class TorchvisionStep:
    """A transform of torchvision; its draws depend only on seed, name, epoch and row.

    The transform gets uint8 ``tv_tensors.Image (3, height, width)`` and returns such a tensor, an
    array ``(height, width, 3)`` or a PIL image. The global random states, from which it draws, are
    restored after each image.

    Args:
        step: the transform.
        name: the step's name; steps with different names get different draws.
        seed: the run's seed.
    """

    def __init__(self, step: v2.Transform, name: str, seed: int) -> None:
        self._step = step
        self._entropy = (seed, zlib.crc32(name.encode()))

    def __call__(self, image: NDArray[np.uint8], epoch: int, row: int) -> NDArray[Any]:
        """Augment one training image, uint8 ``(height, width, 3)``, given its epoch and row."""
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).contiguous()
        with global_draws((*self._entropy, epoch, row)):
            return _as_array(self._step(tv_tensors.Image(pixels)))


def why_not_a_step(built: Any) -> str | None:
    """Return what an object is instead of a step; None if it is a transform of torchvision."""
    if isinstance(built, (v2.MixUp, v2.CutMix)):
        return "mixes the images of a batch; use mixing=mixup or mixing=cutmix"
    if isinstance(built, v2.Transform):
        return None
    kind = type(built).__name__
    if str(type(built).__module__).startswith("torchvision.transforms."):
        return f"is a {kind} of torchvision's transforms v1; use torchvision.transforms.v2.{kind}"
    if isinstance(built, nn.Module):
        return (
            f"is {kind}, an nn.Module, which works on batches on their way through a network; "
            "derive it from torchvision.transforms.v2.Transform"
        )
    what = "a function" if kind == "function" else f"an object of {kind}"
    return (
        f"is {what}, not a transform; derive a class from albumentations.ImageOnlyTransform, with "
        "apply(self, img, **params) from and to uint8 (height, width, 3)"
    )


def _as_array(result: Any) -> NDArray[Any]:
    if isinstance(result, Image.Image):
        return np.array(result.convert("RGB"))
    if isinstance(result, Tensor):
        pixels = result.as_subclass(Tensor)
        return np.ascontiguousarray(pixels.movedim(0, -1).numpy() if pixels.ndim == 3 else pixels)
    return np.asarray(result)
