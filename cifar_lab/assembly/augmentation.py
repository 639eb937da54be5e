"""Builds the augmentation stack from its nodes and tries it out before a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from hydra.errors import InstantiationException
from pydantic import ValidationError

from cifar_lab.assembly.attempts import reason
from cifar_lab.assembly.library_warnings import refused_from
from cifar_lab.assembly.parts import node
from cifar_lab.refusal import Refusal, reasons
from cifar_lab.wording import shortened

if TYPE_CHECKING:
    from cifar_lab.data.batch_augment import AugmentationStack

#: Random draws to try before a run.
TRIED_DRAWS = 16


def augmentation(
    steps: dict[str, Any],
    grey_levels: Sequence[int] | None,
    seed: int,
    images: int,
    size: tuple[int, int],
    lowered: bool,
) -> AugmentationStack | None:
    """Build the augmentation stack and check that it keeps shape and dtype; None if it is empty.

    Args:
        steps: nodes by name.
        grey_levels: value of ``fill: mean`` per channel, 0 to 255.
        seed: the run's seed.
        images: number of training images, including validation.
        size: height and width in pixels.
        lowered: use the batched form of each step that has one.

    Raises:
        ValueError: albumentations rejects an argument.
        Refusal: the steps return anything but uint8 images of the given size.
    """
    if not steps:
        return None
    from cifar_lab.data.batch_augment import AugmentationStack  # albumentations loads slowly

    with refused_from("albumentations"):  # it only warns about arguments that it ignores
        built = {name: _step(name, _filled(step, grey_levels)) for name, step in steps.items()}
        _refuse_wide_padding(built, size)

        def tried(chosen: dict[str, Any]) -> AugmentationStack:
            stack = AugmentationStack(chosen, seed, images, size, lowered)
            if len(stack.images):
                image = np.zeros((*size, 3), dtype=np.uint8)
                for epoch in range(TRIED_DRAWS):  # one draw may skip a step with p < 1
                    stack.images(image, epoch, 0)
            return stack

        try:
            with _certain(built.values()):  # a rare step fails now, and not after hours
                tried(built)
            return tried(built)
        except Refusal:
            raise
        except Exception as error:
            raise Refusal(_failing(built, tried, error)) from error


@contextmanager
def _certain(steps: Iterable[Any]) -> Iterator[None]:
    """Apply steps that are applied with some probability in any case."""
    before = {step: step.p for step in steps if 0 < getattr(step, "p", 0) < 1}
    try:
        for step in before:
            step.p = 1.0
        yield
    finally:
        for step, p in before.items():
            step.p = p


def _failing(steps: dict[str, Any], tried: Callable[..., Any], error: Exception) -> str:
    """Name the step that fails, if one fails alone."""
    for name, step in steps.items():
        try:
            tried({name: step})
        except Exception as alone:
            return f"augmentation.train.{name}: {reason(alone)}"
    return f"augmentation: {reason(error)}"


def _refuse_wide_padding(steps: dict[str, Any], size: tuple[int, int]) -> None:
    """Refuse padding beyond the images' own size, before memory is allocated for it."""
    wide = {
        name: padding
        for name, step in steps.items()
        if (padding := getattr(step, "padding_pixels", 0)) > max(size)
    }
    if wide:
        raise Refusal(
            [
                f"augmentation.train.{name}.padding_pixels={padding}: must be at most "
                f"{max(size)}, the size of the images"
                for name, padding in wide.items()
            ]
        )


def grey_levels(steps: dict[str, Any], mean: Sequence[float]) -> list[int] | None:
    """Return the mean per channel on the uint8 scale; None if no step has ``fill: mean``."""
    wanted = any(step.get("fill") == "mean" for step in steps.values())
    return [round(255 * value) for value in mean] if wanted else None


def _filled(step: dict[str, Any], grey_levels: Sequence[int] | None) -> dict[str, Any]:
    return {**step, "fill": grey_levels} if step.get("fill") == "mean" else step


def _step(name: str, step: dict[str, Any]) -> Any:
    try:
        built = node(step)
        if not hasattr(built, "available_keys"):  # not one of albumentations
            from cifar_lab.data.torchvision_step import why_not_a_step  # torchvision loads slowly

            other = why_not_a_step(built)
            if other is not None:
                raise Refusal(f"augmentation.train.{name}: {step['_target_']} {other}")
        return built
    except InstantiationException as error:
        path = f"augmentation.train.{name}"
        # albumentations turns pydantic's errors into text, but keeps the original as the cause.
        wrapped = error.__cause__ and error.__cause__.__cause__
        if not isinstance(wrapped, ValidationError):
            raise Refusal(f"{path}: {reason(error)}") from error
        raise Refusal(_by_argument(path, step, wrapped.errors())) from error


def _by_argument(path: str, step: dict[str, Any], errors: Sequence[Any]) -> list[str]:
    """Return a sentence for each wrong argument, with the reasons of all types it may have."""
    by_argument: dict[str, list[Any]] = {}
    for detail in errors:
        argument = str(detail["loc"][0]) if detail["loc"] else ""
        by_argument.setdefault(argument, []).append(detail)
    return [
        f"{path}.{argument}={shortened(str(step.get(argument)))}: {reasons(details)}"
        if argument
        else f"{path}: {reasons(details)}"
        for argument, details in by_argument.items()
    ]
