"""What is shown of a trained network beside what it makes of images: where both are at hand."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.rgb import upright_rgb
from cifar_lab.deploy.bundle import AGAIN, CARD, Bundle
from cifar_lab.deploy.description import Description, Shown
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence


@dataclass(frozen=True)
class Contents:
    """What a bundle says and shows, whether it was written or not.

    Attributes:
        description: of the network.
        images: uint8 ``(height, width, 3)``, by ``Shown.file`` of examples and misclassified ones.
        card: the model card, in Markdown, without its metadata.
    """

    description: Description
    images: Mapping[str, NDArray[np.uint8]]
    card: str

    def pixels(self, shown: Shown) -> NDArray[np.uint8]:
        """Return an image as the network sees it, uint8 ``(height, width, 3)``."""
        return self.images[shown.file]


def contents_of(bundle: Bundle) -> Contents:
    """Read what a bundle shows.

    Raises:
        Refusal: with every image that is missing or not one, or has another size than the
            network's.
    """
    described, images, problems = bundle.description, {}, []
    for shown in (*described.examples, *described.misclassified):
        found = _pixels(bundle.read(shown.file), described.usage.image_size)
        if isinstance(found, str):
            problems.append(f"{bundle.path / shown.file} could not be read: {found}; {AGAIN}")
        else:
            images[shown.file] = found
    if problems:
        raise Refusal(problems)
    return Contents(
        described, images, _without_metadata(bundle.read(CARD).decode(errors="replace"))
    )


def _pixels(content: bytes, size: tuple[int, int]) -> NDArray[np.uint8] | str:
    """Decode a PNG file of the network's size; return the reason on failure.

    A stranger's file may be of a format that Pillow hands to another program, and a small one may
    state any size: both are refused before anything is decoded.
    """
    from PIL import Image, UnidentifiedImageError

    height, width = size
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if image.size != (width, height):
                return f"it has {image.width}×{image.height} pixels, not {width}×{height}"
            return np.asarray(upright_rgb(image), dtype=np.uint8)
    except UnidentifiedImageError:
        return "not a PNG image"
    except Exception as error:  # a damaged file makes Pillow raise anything
        return first_sentence(error)


def _without_metadata(card: str) -> str:
    """Return the text after the block between two lines of three dashes."""
    if not card.startswith("---\n"):
        return card
    return card.removeprefix("---\n").partition("\n---\n")[2].lstrip()
