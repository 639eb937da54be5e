"""The augmentation stack from its nodes, tried before a run."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from hydra.errors import InstantiationException
from pydantic import ValidationError

from cifar_lab.assembly.parts import node
from cifar_lab.refusal import Refusal, in_our_words

if TYPE_CHECKING:
    from cifar_lab.data.batch_augment import AugmentationStack

#: Draws that are looked at before a run.
TRIED_DRAWS = 16


def augmentation(
    steps: dict[str, Any],
    grey_levels: Sequence[int] | None,
    seed: int,
    images: int,
    size: tuple[int, int],
    lowered: bool,
) -> AugmentationStack | None:
    """The augmentation stack, after it was seen to give what it was given; None for an empty one.

    Args:
        steps: nodes by name.
        grey_levels: what ``fill: mean`` stands for.
        seed: the run's seed.
        images: training images, validation included.
        size: height and width in pixels.
        lowered: run steps on whole batches where they can.

    Raises:
        ValueError: albumentations refuses an argument.
        Refusal: the steps give something else than uint8 images of one size.
    """
    if not steps:
        return None
    from cifar_lab.data.batch_augment import AugmentationStack  # albumentations costs seconds

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # albumentations warns of arguments that it then ignores
        built = {name: _step(name, _filled(step, grey_levels)) for name, step in steps.items()}
        stack = AugmentationStack(built, seed, images, size, lowered)
    if len(stack.images):
        image = np.zeros((*size, 3), dtype=np.uint8)
        for epoch in range(TRIED_DRAWS):  # a step with p < 1 does not show at once
            stack.images(image, epoch, 0)
    return stack


def grey_levels(steps: dict[str, Any], mean: Sequence[float]) -> list[int] | None:
    """What ``fill: mean`` stands for, the unit uint8 images have; None where no step says so."""
    wanted = any(step.get("fill") == "mean" for step in steps.values())
    return [round(255 * value) for value in mean] if wanted else None


def _filled(step: dict[str, Any], grey_levels: Sequence[int] | None) -> dict[str, Any]:
    return {**step, "fill": grey_levels} if step.get("fill") == "mean" else step


def _step(name: str, step: dict[str, Any]) -> Any:
    try:
        return node(step)
    except InstantiationException as error:
        path = f"augmentation.train.{name}"
        # albumentations wraps pydantic's errors into text; what they wrap can still be told.
        wrapped = error.__cause__ and error.__cause__.__cause__
        if not isinstance(wrapped, ValidationError):
            raise Refusal(f"{path}: {error.__cause__ or error}") from error
        raise Refusal(
            [
                f"{path}.{'.'.join(map(str, detail['loc']))}={detail['input']}: "
                f"{in_our_words(detail['msg'])}"
                for detail in wrapped.errors()
            ]
        ) from error
