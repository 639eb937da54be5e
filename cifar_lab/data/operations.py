"""The fourteen operations that augmentation policies draw from, as in the papers.

They use Pillow, like the code of AutoAugment and its successors: albumentations' AutoContrast
ignores the brightest level, its Equalize maps to different levels, its shears are about the
centre, and it lacks Pillow's sharpening.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import albumentations as A
import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from PIL import ImageEnhance, ImageOps
from PIL.Image import Image, Resampling, Transform, fromarray

GreyLevel = Annotated[int, Ge(0), Le(255)]
#: Fill for pixels from outside the image: red, green, blue; ``mean`` until the mean is known.
Fill = tuple[GreyLevel, GreyLevel, GreyLevel] | Literal["mean"]


class Operation(A.ImageOnlyTransform):  # type: ignore[misc]  # albumentations is untyped
    """A single operation with a strength drawn for each image.

    Args:
        name: a key of ``OPERATIONS``.
        strengths: equally likely values to draw from, in the operation's unit.
        signed: whether the sign is flipped with probability one half.
        fill: grey levels of pixels from outside the image.
        p: probability of applying the step.
    """

    class InitSchema(A.ImageOnlyTransform.InitSchema):  # type: ignore[misc]
        name: str
        strengths: tuple[float, ...]
        signed: bool
        fill: tuple[GreyLevel, GreyLevel, GreyLevel]

    def __init__(
        self, name: str, strengths: Sequence[float], signed: bool, fill: Fill, p: float
    ) -> None:
        super().__init__(p=p)
        self.name = name
        self.strengths = strengths
        self.signed = signed
        self.fill = fill

    def get_params(self) -> dict[str, float]:
        """Draw the strength."""
        strength = self.py_random.choice(self.strengths)
        turned = self.signed and self.py_random.random() < 0.5
        return {"strength": -strength if turned else strength}

    def apply(self, img: NDArray[np.uint8], strength: float, **_: Any) -> NDArray[np.uint8]:
        """Map ``(height, width, 3)`` to the same shape and dtype."""
        changed = OPERATIONS[self.name](fromarray(img), strength, self.fill)
        return np.array(changed)  # a copy, because Pillow's memory is read-only

    def get_transform_init_args_names(self) -> tuple[str, ...]:
        """Names of the arguments that reproduce this step."""
        return ("name", "strengths", "signed", "fill")


def _mapped(image: Image, coefficients: Sequence[float], fill: Fill) -> Image:
    """Take the pixel at (x, y) from (ax + by + c, dx + ey + f), by nearest neighbour."""
    return image.transform(
        image.size, Transform.AFFINE, coefficients, Resampling.NEAREST, fillcolor=fill
    )


def _shear_x(image: Image, rate: float, fill: Fill) -> Image:
    return _mapped(image, (1, rate, 0, 0, 1, 0), fill)


def _shear_y(image: Image, rate: float, fill: Fill) -> Image:
    return _mapped(image, (1, 0, 0, rate, 1, 0), fill)


def _translate_x(image: Image, share: float, fill: Fill) -> Image:
    return _mapped(image, (1, 0, int(share * image.width), 0, 1, 0), fill)


def _translate_y(image: Image, share: float, fill: Fill) -> Image:
    return _mapped(image, (1, 0, 0, 0, 1, int(share * image.height)), fill)


def _rotate(image: Image, degrees: float, fill: Fill) -> Image:
    return image.rotate(degrees, Resampling.NEAREST, fillcolor=fill)


def _brightness(image: Image, change: float, _: Fill) -> Image:
    return ImageEnhance.Brightness(image).enhance(1 + change)


def _color(image: Image, change: float, _: Fill) -> Image:
    return ImageEnhance.Color(image).enhance(1 + change)


def _contrast(image: Image, change: float, _: Fill) -> Image:
    return ImageEnhance.Contrast(image).enhance(1 + change)


def _sharpness(image: Image, change: float, _: Fill) -> Image:
    return ImageEnhance.Sharpness(image).enhance(1 + change)


def _posterize(image: Image, bits_dropped: float, _: Fill) -> Image:
    return ImageOps.posterize(image, 8 - round(bits_dropped))


def _solarize(image: Image, threshold: float, _: Fill) -> Image:
    return ImageOps.solarize(image, math.ceil(threshold))


#: Each maps image, strength and fill to an image of the same size. Units of the strength: a rate
#: (pixels per pixel), a share of the side, degrees, a change from factor 1, bits, a grey level.
OPERATIONS: dict[str, Callable[[Image, float, Fill], Image]] = {
    "identity": lambda image, *_: image,
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
    "rotate": _rotate,
    "brightness": _brightness,
    "color": _color,
    "contrast": _contrast,
    "sharpness": _sharpness,
    "posterize": _posterize,
    "solarize": _solarize,
    "autocontrast": lambda image, *_: ImageOps.autocontrast(image),
    "equalize": lambda image, *_: ImageOps.equalize(image),
}
