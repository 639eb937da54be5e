"""Images that somebody hands over, of any kind and size, prepared as a data set's own are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.picture import as_picture, fitted, read_picture, without_warnings
from cifar_lab.data.rgb import upright_rgb
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence

#: What is accepted, for messages.
ACCEPTED = (
    "give paths, PIL images, or uint8 arrays (height, width), (height, width, 3) or "
    "(n, height, width, 3)"
)
#: Numbers of channels: grey, RGB, RGB with transparency.
CHANNELS = (1, RGB := 3, 4)


def pixels_of(images: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Turn images upright, convert them to RGB and resize them (bicubic).

    Args:
        images: a path, a PIL image, a uint8 array with the channels last, or any list of these.
        size: height and width of the result.

    Returns:
        uint8 ``(n, height, width, 3)``, in order; a single image is one row.

    Raises:
        Refusal: with every image that could not be read, has too many pixels or is one of several,
            or there is none.
    """
    problems: list[str] = []
    found: list[NDArray[np.uint8]] = []
    with without_warnings():
        for name, image in _single(images, "images"):
            pixels = fitted(_converted(image), size)
            if isinstance(pixels, str):
                problems.append(f"{name}: {pixels}")
            else:
                found.append(pixels)
    if problems:
        raise Refusal(problems)
    if not found:
        raise Refusal(f"images: there are none; {ACCEPTED}")
    return np.stack(found)


def _single(images: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield each image with its name, however lists and arrays of several are nested."""
    if isinstance(images, (str, os.PathLike)):
        yield os.fspath(images), Path(images)
    elif hasattr(images, "__array__") and not _is_picture(images):
        yield from _of_array(np.asarray(images), name)
    elif isinstance(images, Iterable) and not (_is_picture(images) or hasattr(images, "read")):
        for number, image in enumerate(images):
            yield from _single(image, f"{name}[{number}]")
    else:
        yield name, images


def _of_array(array: NDArray[Any], name: str) -> Iterator[tuple[str, Any]]:
    first, last = (array.shape[0], array.shape[-1]) if array.ndim else (0, 0)
    # Three planes are more likely one image with the channels first than three grey ones.
    grey = array.ndim == 3 and first != RGB and last not in CHANNELS
    if array.dtype == np.uint8 and (grey or (array.ndim == 4 and last in CHANNELS)):
        for number, image in enumerate(array):
            yield f"{name}[{number}]", image
    else:
        yield name, array


def _is_picture(image: Any) -> bool:
    from PIL import Image

    return isinstance(image, Image.Image)


def _converted(image: Any) -> Any:
    """Return one image as a PIL image in RGB, or the reason why it is none."""
    if isinstance(image, Path):
        return read_picture(image)
    if _is_picture(image):
        try:
            return as_picture(image)
        except (ValueError, OSError) as error:
            return first_sentence(error)
    if not isinstance(image, np.ndarray):
        return f"{type(image).__name__} is not an image; {ACCEPTED}"
    return _of_pixels(image)


def _of_pixels(array: NDArray[Any]) -> Any:
    from PIL import Image

    if array.dtype != np.uint8:
        return f"pixels must be uint8 from 0 to 255, got {array.dtype}"
    grey = array.ndim == 2
    if not (grey or (array.ndim == 3 and array.shape[-1] in CHANNELS)) or array.size == 0:
        return (
            f"pixels must be (height, width) or (height, width, 3), got {array.shape}; put the "
            "channels last, also of several grey images: (n, height, width, 1)"
        )
    if not grey and array.shape[-1] == 1:
        array = array[..., 0]
    return upright_rgb(Image.fromarray(np.ascontiguousarray(array)))
