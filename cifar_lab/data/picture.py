"""Reads a picture that somebody hands over; the file may be anything.

No file makes it wait, run another program or take more memory than the largest picture does.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.rgb import resized, upright_rgb
from cifar_lab.wording import first_sentence, size

#: Most pixels of a picture; a small file can state any number.
MOST_PIXELS = 100_000_000
#: Most bytes of a file.
MOST_BYTES = 1_000_000_000
#: Pictures with more pixels than this are decoded one after the other, not at the same time.
LARGE = 10_000_000
#: Formats that need another program to decode them: Pillow hands EPS to Ghostscript.
EXECUTED = ("EPS",)
#: Formats in which further pictures, such as a preview or the layers, accompany the picture.
ACCOMPANIED = ("MPO", "PSD")

_one_large_picture = threading.Lock()


def read_picture(file: Path | bytes) -> Any:
    """Read a picture as a Pillow image, upright and in RGB.

    Args:
        file: its path, or its content.

    Returns:
        The image or, if it is not a single picture of at most ``MOST_PIXELS``, the reason.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with _opened(file) as stream, Image.open(stream, formats=_formats()) as image:
            return as_picture(image)
    except _Unfit as unfit:
        return str(unfit)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"has more pixels than {MOST_PIXELS:,}, which is the limit; scale it down"
    except UnidentifiedImageError:
        return "could not be read: not an image in a known format"
    except FileNotFoundError:
        return "does not exist"
    except Exception as error:  # a damaged file makes Pillow's many decoders raise anything
        return f"could not be read: {first_sentence(error)}"


def fitted(picture: Any, size: tuple[int, int]) -> NDArray[np.uint8] | str:
    """Resize a picture for a network.

    Args:
        picture: as :func:`read_picture` returns it: an image in RGB, or the reason why there is
            none, which is returned again.
        size: height and width of the result.

    Returns:
        uint8 ``(height, width, 3)``, or the reason.
    """
    if isinstance(picture, str):
        return picture
    try:
        return np.asarray(resized(picture, size), dtype=np.uint8)
    except (MemoryError, ValueError) as error:
        return f"could not be resized: {first_sentence(error)}"


def as_picture(image: Any) -> Any:
    """Convert a Pillow image to RGB, upright.

    Raises:
        ValueError: it has too many pixels, is one of several, or its grey levels have no known
            range.
    """
    _check(image)
    if image.width * image.height <= LARGE:
        return upright_rgb(image)
    with _one_large_picture:
        return upright_rgb(image)


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Silence Pillow's warnings, e.g. of large pictures and damaged metadata.

    Python has one list of filters for all threads: enter it before those that read are started.
    """
    from PIL import Image

    log = logging.getLogger("PIL")
    level = log.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", module=r"PIL\.")
        log.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            log.setLevel(level)


class _Unfit(ValueError):
    """What is wrong with a picture that could be read."""


def _check(image: Any) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise _Unfit(
            f"has {image.width:,} × {image.height:,} pixels, more than {MOST_PIXELS:,}; "
            "scale it down"
        )
    if image.format not in ACCOMPANIED and getattr(image, "is_animated", False):
        # How many is not said: a small file can hold so many that counting takes minutes.
        raise _Unfit("is animated or has several pages; save one as a file of its own")


def _opened(file: Path | bytes) -> BinaryIO:
    if isinstance(file, bytes):
        _check_length(len(file))
        return io.BytesIO(file)
    found = os.stat(file)
    if not stat.S_ISREG(found.st_mode):
        raise _Unfit("is not a file; name image files")
    _check_length(found.st_size)
    return open(file, "rb", opener=_not_waiting)


def _check_length(length: int) -> None:
    if length == 0:
        raise ValueError("the file is empty")
    if length > MOST_BYTES:
        raise _Unfit(f"has more than {size(MOST_BYTES)}")


def _not_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that takes its place does not make it wait."""
    return os.open(path, flags | os.O_NONBLOCK)


@functools.cache
def _formats() -> tuple[str, ...]:
    from PIL import Image

    Image.init()
    return tuple(name for name in Image.OPEN if name not in EXECUTED)
