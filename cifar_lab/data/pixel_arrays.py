"""Arrays of pixels in any usual form as uint8 ``(n, height, width, 3)``."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.rgb import sized

#: Where the channels are: recognised, second (``(n, 3, h, w)``), or last (``(n, h, w, 3)``).
Axes = Literal["auto", "first", "last"]
#: Numbers of channels: grey, and RGB.
CHANNELS = (1, 3)
SHAPES = "(n, height, width, 3), or (n, height, width) of grey images"


def pixels(
    given: Any, name: str, axes: Axes, advice: str
) -> tuple[NDArray[np.uint8] | None, list[str]]:
    """Bring images into one form, grey levels as three equal channels.

    Args:
        given: an array, or anything that numpy makes one of.
        name: how messages call it.
        axes: where the channels are.
        advice: what to do where that cannot be recognised.

    Returns:
        uint8 ``(n, height, width, 3)``, or None and what is wrong.
    """
    try:
        array = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        return None, [
            f"{name} cannot be made a numpy array: {error}; all images must have the same size"
        ]
    problems = _dtype_problems(array, name)
    if array.ndim not in (3, 4):
        problems.append(f"{name} has shape {array.shape}, and must be {SHAPES}")
    elif not array.size:
        problems.append(f"{name} has shape {array.shape}, without any pixel")
    if problems:
        return None, problems
    if array.ndim == 3:
        return _as_rgb(array[..., None]), []
    last, first = array.shape[3] in CHANNELS, array.shape[1] in CHANNELS
    if axes == "auto" and last and first:
        return None, [f"{name} has shape {array.shape}: its channels may be second or last{advice}"]
    if not (first if axes == "first" else last if axes == "last" else last or first):
        said = {"auto": "", "first": "; the channels are said to come second"}
        return None, [
            f"{name} has shape {array.shape}, and must be {SHAPES}"
            f"{said.get(axes, '; the channels are said to come last')}"
        ]
    use_first = axes == "first" or (axes == "auto" and first)
    return _as_rgb(array.transpose(0, 2, 3, 1) if use_first else array), []


def resized(
    images: NDArray[np.uint8], side: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.int32] | None]:
    """Resize images (bicubic); also return height and width before, int32 ``(n, 2)``.

    Args:
        images: uint8 ``(n, height, width, 3)``.
        side: in pixels; None returns the images as they are, and no sizes.
    """
    if side is None:
        return images, None
    from PIL import Image

    made = np.empty((len(images), side, side, 3), np.uint8)
    for number, image in enumerate(images):
        made[number], _ = sized(Image.fromarray(image), side)
    return made, np.tile(np.asarray(images.shape[1:3], np.int32), (len(images), 1))


def _as_rgb(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(array, 3, axis=3) if array.shape[3] == 1 else np.ascontiguousarray(array)


def _dtype_problems(array: NDArray[Any], name: str) -> list[str]:
    """At most one sentence, with how to convert the pixels."""
    if array.dtype == np.uint8:
        return []
    wrong = f"{name} is {array.dtype}"
    if array.dtype.kind not in "fiub" or not array.size:
        return [f"{wrong}, and must be uint8 from 0 to 255"]
    low, high = float(array.min()), float(array.max())
    code = name if name.isidentifier() else "images"
    wrong += f" with values from {low:g} to {high:g}, and must be uint8 from 0 to 255; "
    if array.dtype.kind == "b":
        return [f"{wrong}convert it with 255 * {code}.astype('uint8')"]
    if low < 0 or not np.isfinite(high):
        return [f"{wrong}give the pixels as they were before they were normalised"]
    if high <= 1 and array.dtype.kind == "f":
        return [f"{wrong}convert it with (255 * {code}).round().astype('uint8')"]
    if high <= 255:
        rounded = ".round()" if array.dtype.kind == "f" else ""
        return [f"{wrong}convert it with {code}{rounded}.astype('uint8')"]
    if array.dtype == np.uint16:
        return [f"{wrong}convert it with ({code} // 257).astype('uint8')"]
    return [f"{wrong}scale all splits by the same factor"]
