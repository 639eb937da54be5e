"""Answers as text, batch by batch: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.predictions import Ranked, most_probable
from cifar_lab.deploy.predicting import Answers
from cifar_lab.deploy.usage import TYPICAL_SHARE
from cifar_lab.wording import percent, printable

#: Half of a pair of characters, which UTF-8 cannot encode: bytes of a name that are not UTF-8.
_HALF = re.compile("[\ud800-\udfff]")
#: Mark of images that are far from those in training.
MARK = "*"
#: Widest column of names; longer ones push the rest of their line to the right.
WIDEST = 60


@dataclass(frozen=True)
class Layout:
    """What is shown of each answer.

    Attributes:
        class_names: in the order of the logits.
        top: how many of the most probable classes.
        logits: whether to add all logits, in JSON and CSV.
        widest: length of the longest name, for the table.
        typical: number of the validation images that tell which images are far; for the table.
    """

    class_names: tuple[str, ...]
    top: int
    logits: bool
    widest: int
    typical: int


class Format:
    """Formats batches of answers; :meth:`begin`, then any number of batches, then :meth:`end`."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def begin(self) -> str:
        """Return what comes before all rows."""
        return ""

    def rows(self, answers: Answers) -> str:
        """Return the rows of a batch."""
        raise NotImplementedError

    def end(self) -> str:
        """Return what comes after all rows."""
        return ""

    def _ranked(self, answers: Answers) -> Iterator[tuple[str, list[Ranked]]]:
        """Yield the name of each image with its most probable classes, the first first."""
        ranked = most_probable(answers.logits, self.layout.class_names, self.layout.top)
        return zip(answers.names, ranked, strict=True)


class Table(Format):
    """A line for each image, of the same widths throughout, and what a mark means."""

    _marked = False

    def begin(self) -> str:
        """Return the header."""
        places = [f"{n}." for n in range(1, self._top + 1)]
        return self._line("image", places, "") + "\n"

    def rows(self, answers: Answers) -> str:
        """Return a line for each image."""
        lines = []
        for (image, best), far in zip(self._ranked(answers), _far(answers), strict=True):
            cells = [f"{printable(each.name)} ({percent(each.probability)})" for each in best]
            lines.append(self._line(printable(image), cells, MARK if far else ""))
            self._marked |= bool(far)
        return "".join(f"{line}\n" for line in lines)

    def end(self) -> str:
        """Return what the mark means, if an image has one."""
        if not self._marked:
            return ""
        return (
            f"\n{MARK} far from the images in training: its energy is above that of "
            f"{100 * TYPICAL_SHARE:.0f} % of the {self.layout.typical:,} validation images. "
            "This is a hint only.\n"
        )

    @property
    def _top(self) -> int:
        return min(self.layout.top, len(self.layout.class_names))

    def _line(self, image: str, cells: Sequence[str], mark: str) -> str:
        width = max(len(printable(n)) for n in self.layout.class_names) + len(" (100.00 %)")
        first = image.ljust(min(self.layout.widest, WIDEST))
        return "  ".join([f"{mark:1} {first}", *(cell.ljust(width) for cell in cells)]).rstrip()


class Json(Format):
    """An array with an object for each image."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._separator = "\n"

    def begin(self) -> str:
        """Return the beginning of the array."""
        return "["

    def rows(self, answers: Answers) -> str:
        """Return an object for each image, each on a line."""
        texts = []
        ranked = zip(self._ranked(answers), _far(answers), answers.logits, strict=True)
        for (image, best), far, logits in ranked:
            fields: dict[str, Any] = {
                "image": image,
                "predicted": best[0].name,
                "probabilities": {each.name: _finite(each.probability) for each in best},
                "far": far,
            }
            if self.layout.logits:
                fields["logits"] = _numbers(logits)
            texts.append(self._separator + _as_json(fields))
            self._separator = ",\n"
        return "".join(texts)

    def end(self) -> str:
        """Return the end of the array."""
        return "\n]\n"


class Csv(Format):
    """A row for each image, with the most probable classes and their probabilities."""

    def begin(self) -> str:
        """Return the header."""
        names = self.layout.class_names
        columns = [
            column
            for number in range(1, min(self.layout.top, len(names)) + 1)
            for column in (f"class_{number}", f"probability_{number}")
        ]
        logits = [f"logit_{name}" for name in names] if self.layout.logits else []
        return _as_csv([["image", *columns, "far", *logits]])

    def rows(self, answers: Answers) -> str:
        """Return a row for each image."""
        rows = []
        ranked = zip(self._ranked(answers), _far(answers), answers.logits, strict=True)
        for (image, best), far, logits in ranked:
            known = "" if far is None else str(far).lower()
            numbers = _numbers(logits) if self.layout.logits else []
            cells = [cell for each in best for cell in (each.name, each.probability)]
            rows.append([image, *cells, known, *numbers])
        return _as_csv(rows)


FORMATS: dict[str, Callable[[Layout], Format]] = {"table": Table, "json": Json, "csv": Csv}


def _far(answers: Answers) -> list[bool | None]:
    return [None] * len(answers.names) if answers.far is None else answers.far.tolist()


def _numbers(logits: NDArray[np.float32]) -> list[float | None]:
    return [_finite(value) for value in logits.tolist()]


def _finite(value: float) -> float | None:
    """Return a number that JSON can express; a network that diverged gives others."""
    return value if math.isfinite(value) else None


def _as_json(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _as_csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text.getvalue())
