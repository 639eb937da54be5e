"""The app's answers as HTML, with images as data: no file is left for others to read."""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from cifar_lab.deploy.app.answers import Answer, Answers, Explained, Look, Mistake
from cifar_lab.deploy.app.upload import MOST_BYTES, Image
from cifar_lab.deploy.description import Shown
from cifar_lab.deploy.overlay import POSITIVE, SIGNED, overlay
from cifar_lab.deploy.png import png
from cifar_lab.explain.attribution import NAMES, UNITS
from cifar_lab.refusal import Refusal
from cifar_lab.wording import size

#: Side in pixels from which on a map over its image is sharp enough.
SHARP = 320


def heading(answers: Answers) -> str:
    """Draw what the network is and how good."""
    described = answers.contents.description
    scores = described.test or described.validation
    return _drawn("heading", of=described, scores=scores)


def chooser(answers: Answers, examples: Sequence[Shown]) -> str:
    """Draw where an image is given, and the examples."""
    pixels = answers.contents.pixels
    shown = [{"data": _address(pixels(e)), "name": _name(answers, e.label)} for e in examples]
    return _drawn("chooser", examples=shown, most=size(MOST_BYTES))


def nothing() -> str:
    """Draw the answer before there is an image."""
    return _drawn("nothing")


def problem(refusal: Refusal) -> str:
    """Draw why there is no answer."""
    return _drawn("problem", problems=refusal.problems)


def answer(answers: Answers, image: Image, found: Answer, count: int, look: Look | None) -> str:
    """Draw the answer to an image.

    Args:
        answers: whose answer it is.
        image: the question.
        found: the answer.
        count: how many classes to list.
        look: how to show the map in it.
    """
    bars = [
        {"name": each.name, "share": each.probability, "true": each.label == image.label}
        for each in found.ranked[:count]
    ]
    return _drawn(
        "answer",
        bars=bars,
        truth=None if image.label is None else _name(answers, image.label),
        right=image.label == found.ranked[0].label,
        image=image,
        data=_address(image.pixels),
        far=found.far,
        looked=_looked(answers, image.pixels, found.explained, look),
    )


def gallery(answers: Answers, mistakes: Sequence[Mistake], look: Look | None) -> str:
    """Draw misclassified images, each with the true and the predicted class."""
    described = answers.contents.description
    shown = [
        {
            "data": _address(each.pixels),
            "true": _name(answers, each.shown.label),
            "predicted": _name(answers, each.shown.predicted),
            "probability": each.probability,
            "id": each.shown.sample_id,
            "looked": _looked(answers, each.pixels, each.explained, look),
        }
        for each in mistakes
    ]
    return _drawn("gallery", shown=shown, of=described)


def no_mistakes(answers: Answers) -> str:
    """Draw that there are no misclassified images to look at."""
    return _drawn("no_mistakes", of=answers.contents.description)


def _looked(
    answers: Answers, pixels: NDArray[np.uint8], explained: Explained | None, look: Look | None
) -> dict[str, Any] | None:
    """Return what is drawn of a map: without colours if it says nothing."""
    if explained is None or look is None:
        return None
    map_ = np.zeros_like(explained.map_) if explained.note else explained.map_
    longest = max(pixels.shape[:2])
    side = longest * -(-SHARP // longest)  # whole pixels
    table = SIGNED if look.signed else POSITIVE
    return {
        "data": _address(overlay(pixels, map_, look.opacity, look.signed, side)),
        "method": NAMES[explained.method],
        "layer": explained.layer,
        "target": _name(answers, explained.target),
        "note": explained.note[:1].upper() + explained.note[1:],
        "signed": look.signed,
        "largest": float(np.abs(map_).max() if look.signed else max(map_.max(), 0)),
        "unit": UNITS[explained.method],
        "colours": ", ".join(f"rgb{colour}" for colour in table),
    }


def _name(answers: Answers, label: int) -> str:
    return answers.usage.class_names[label]


def _address(pixels: NDArray[np.uint8]) -> str:
    """Encode an image, uint8 ``(height, width, 3)``, as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png(pixels)).decode()}"


def _drawn(name: str, **values: Any) -> str:
    return _environment().get_template(f"{name}.html.j2").render(**values)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cifar_lab.deploy.app"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}\N{NO-BREAK SPACE}%"
    return environment
