"""The project's own augmentation steps, and single-image albumentations steps with fixed draws."""

from __future__ import annotations

import random
import zlib
from contextlib import nullcontext
from typing import Any, Literal

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cifar_lab.data.draws import global_draws

BORDERS = {"reflect": cv2.BORDER_REFLECT_101, "replicate": cv2.BORDER_REPLICATE}


class PadAndCrop(A.ImageOnlyTransform):  # type: ignore[misc]  # albumentations is untyped
    """Pad every side, then crop a window of the original size at a random position.

    Args:
        padding_pixels: pixels added to each side; offsets are uniform on
            ``{0, …, 2 * padding_pixels}``.
        border: ``reflect`` mirrors at the outermost pixel, ``replicate`` repeats it,
            ``constant`` pads with zeros.
        p: probability of applying the step.
    """

    class InitSchema(A.ImageOnlyTransform.InitSchema):  # type: ignore[misc]
        padding_pixels: int = Field(ge=1)
        border: Literal["reflect", "replicate", "constant"]

    def __init__(
        self, padding_pixels: int, border: Literal["reflect", "replicate", "constant"], p: float
    ) -> None:
        super().__init__(p=p)
        self.padding_pixels = padding_pixels
        self.border = border

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, int]:
        """Draw the window's offset from the top-left corner of the padded image."""
        return {
            name: self.py_random.randint(0, 2 * self.padding_pixels) for name in ("top", "left")
        }

    def apply(self, img: NDArray[np.uint8], top: int, left: int, **_: Any) -> NDArray[np.uint8]:
        """Map ``(height, width, 3)`` to the same shape and dtype."""
        pad = self.padding_pixels
        border = BORDERS.get(self.border, cv2.BORDER_CONSTANT)
        padded = np.asarray(cv2.copyMakeBorder(img, pad, pad, pad, pad, border), np.uint8)
        return padded[top : top + img.shape[0], left : left + img.shape[1]]

    def get_transform_init_args_names(self) -> tuple[str, ...]:
        """Names of the arguments that reproduce this step."""
        return ("padding_pixels", "border")


class AlternatingFlip(A.HorizontalFlip):  # type: ignore[misc]
    """Mirror half of the images in one epoch and the other half in the next.

    Each image's half is drawn once per run, so any two consecutive epochs show it both ways
    (https://arxiv.org/abs/2404.00498, section 3.6).
    """

    def __init__(self) -> None:
        super().__init__(p=1.0)


class PlainStep:
    """An albumentations step on single images; its draws depend only on seed, name, epoch and row.

    Args:
        step: an albumentations transform.
        name: the step's name; steps with different names get different draws.
        seed: the run's seed.
    """

    def __init__(self, step: A.BasicTransform, name: str, seed: int) -> None:
        self._entropy = (seed, zlib.crc32(name.encode()))
        self._stack = A.Compose([step], strict=True)
        # Reseeding the step costs 90 µs per image; setting the state of its generators costs a
        # tenth of that.
        self._bits = np.random.Philox(0)
        self._python = random.Random()
        self._stack.set_random_state(np.random.Generator(self._bits), self._python)
        self._epoch, self._key = -1, np.zeros(2, np.uint64)
        # A class of a user's own may draw from the global random states.
        self._is_own = type(step).__module__.split(".")[0] not in ("albumentations", "cifar_lab")

    def __call__(self, image: NDArray[np.uint8], epoch: int, row: int) -> NDArray[Any]:
        """Augment one training image, uint8 ``(height, width, 3)``, given its epoch and row."""
        if epoch != self._epoch:
            sequence = np.random.SeedSequence((*self._entropy, epoch))
            words = sequence.generate_state(2, np.uint64)
            self._epoch, self._key = epoch, words.astype(np.uint64)
        state = self._bits.state
        # A counter-based generator can jump to each image's own stream, 2^192 draws apart.
        state["state"] = {"counter": np.array([0, 0, 0, row], np.uint64), "key": self._key}
        state["buffer_pos"], state["has_uint32"] = 4, 0
        self._bits.state = state
        self._python.seed(f"{self._entropy}/{epoch}/{row}")
        with global_draws((*self._entropy, epoch, row)) if self._is_own else nullcontext():
            augmented: NDArray[Any] = self._stack(image=image)["image"]
        return augmented
