"""``corruptions@lab``: fifteen corruptions at five severities.

They are modelled after Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to
Common Corruptions and Perturbations" (https://arxiv.org/abs/1903.12261), but written anew, with
strengths of their own: numbers are comparable between runs of the lab, not with CIFAR-10-C.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.corruptions import blur, digital, noise, weather
from cifar_lab.data.corruptions.noise import Images, Streams
from cifar_lab.data.suites import Condition, Suite

#: Name of the suite, and of what it is made from.
NAME, VERSION, SEED = "corruptions@lab", 1, 0
SEVERITIES = (1, 2, 3, 4, 5)
#: Images corrupted together; no image depends on it.
CHUNK_IMAGES = 500
#: Smallest and largest side, in pixels, for which the strengths make sense.
SIDES = (8, 96)


class Corruption(NamedTuple):
    """How images are corrupted.

    Attributes:
        family: noise, blur, weather or digital.
        apply: maps images, a strength and a stream for each image to images.
        strengths: one for each severity.
    """

    family: str
    apply: Callable[[Images, Any, Streams], Images]
    strengths: tuple[Any, ...]


CORRUPTIONS = {
    "gaussian_noise": Corruption("noise", noise.gaussian_noise, (0.04, 0.06, 0.08, 0.11, 0.15)),
    "shot_noise": Corruption("noise", noise.shot_noise, (400.0, 200.0, 100.0, 60.0, 35.0)),
    "impulse_noise": Corruption("noise", noise.impulse_noise, (0.01, 0.03, 0.05, 0.08, 0.13)),
    "defocus_blur": Corruption("blur", blur.defocus_blur, (0.4, 0.7, 1.1, 1.6, 2.2)),
    "glass_blur": Corruption(
        "blur", blur.glass_blur, ((0.2, 0.3), (0.4, 0.4), (0.6, 0.5), (0.8, 0.6), (1.0, 0.7))
    ),
    "motion_blur": Corruption("blur", blur.motion_blur, (2.0, 3.5, 5.0, 7.0, 9.0)),
    "zoom_blur": Corruption("blur", blur.zoom_blur, (1.1, 1.18, 1.27, 1.37, 1.5)),
    "snow": Corruption(
        "weather",
        weather.snow,
        ((0.006, 0.1), (0.012, 0.17), (0.02, 0.25), (0.03, 0.33), (0.045, 0.42)),
    ),
    "frost": Corruption(
        "weather",
        weather.frost,
        ((0.95, 0.2), (0.9, 0.32), (0.85, 0.44), (0.8, 0.56), (0.75, 0.7)),
    ),
    "fog": Corruption(
        "weather", weather.fog, ((0.2, 0.5), (0.32, 0.5), (0.44, 0.55), (0.56, 0.6), (0.68, 0.6))
    ),
    "brightness": Corruption("weather", weather.brightness, (0.07, 0.14, 0.21, 0.28, 0.36)),
    "contrast": Corruption("digital", digital.contrast, (0.7, 0.5, 0.36, 0.25, 0.16)),
    "elastic_transform": Corruption(
        "digital", digital.elastic_transform, (0.5, 0.8, 1.1, 1.5, 2.0)
    ),
    "pixelate": Corruption("digital", digital.pixelate, (0.85, 0.7, 0.5, 0.4, 0.3)),
    "jpeg_compression": Corruption("digital", digital.jpeg_compression, (70, 45, 28, 17, 9)),
}
#: Every family with its corruptions.
FAMILIES = {
    family: tuple(name for name, each in CORRUPTIONS.items() if each.family == family)
    for family in ("noise", "blur", "weather", "digital")
}


def corrupted(
    images: NDArray[np.uint8], name: str, severity: int, seed: int = SEED, first_row: int = 0
) -> NDArray[np.uint8]:
    """Corrupt images; each depends on its pixels, its row and the arguments alone.

    Args:
        images: uint8 ``(n, height, width, 3)``, at least 8 pixels high and wide; not modified.
        name: of a corruption.
        severity: 1 to 5.
        seed: of the random streams.
        first_row: row of the first image in the set.

    Returns:
        uint8, of the same shape.
    """
    chosen, label = CORRUPTIONS[name], zlib.crc32(name.encode())
    result = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), CHUNK_IMAGES):
        chunk = images[start : start + CHUNK_IMAGES]
        rows = range(first_row + start, first_row + start + len(chunk))
        streams = [np.random.default_rng((seed, label, severity, row)) for row in rows]
        floats = chunk.astype(np.float32) / np.float32(255)
        noisy = chosen.apply(floats, chosen.strengths[severity - 1], streams)
        result[start : start + len(chunk)] = digital.as_bytes(noisy)
    return result


def lab_suite(test: ImageArrays) -> Suite:
    """The corruptions of test images, each made when it is needed."""
    conditions = tuple(
        Condition(
            name, severity, True, partial(corrupted, test.images, name, severity), test.labels
        )
        for name in CORRUPTIONS
        for severity in SEVERITIES
    )
    return Suite(NAME, VERSION, SEED, {}, conditions)
