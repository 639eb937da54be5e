"""Classifies images that somebody hands over, and writes a row and a picture for each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.drawing import Drawing
from cifar_lab.deploy.finding import Failed, Handed
from cifar_lab.deploy.predicting import Answers, answers
from cifar_lab.deploy.rows import FORMATS, Layout
from cifar_lab.run.files import write_atomically, written_atomically
from cifar_lab.wording import printable

#: Appends text to where the rows go.
Write = Callable[[str], object]


@dataclass(frozen=True)
class Wanted:
    """What is written, and where.

    Attributes:
        format: of the rows, one of :data:`cifar_lab.deploy.rows.FORMATS`.
        top: how many of the most probable classes.
        logits: whether to add all logits, in JSON and CSV.
        output: file of the rows, which is written completely or not at all; None for ``write``.
        pictures: folder of the pictures of maps; None for no pictures.
    """

    format: str
    top: int
    logits: bool
    output: Path | None
    pictures: Path | None


def predict(
    classifier: Classifier,
    images: Sequence[Handed],
    wanted: Wanted,
    drawing: Drawing | None,
    threads: int,
    write: Write,
) -> Generator[int | Failed]:
    """Classify images; write nothing if none could be read.

    Args:
        classifier: a trained network.
        images: any number of them; only some batches are in memory at any time.
        wanted: what is written, and where.
        drawing: draws the pictures; None for no pictures.
        threads: that read images.
        write: appends rows, where no file is wanted.

    Yields:
        How many images were classified since the last number, or one that failed.
    """
    usage = classifier.usage
    widest = max((len(printable(each.name)) for each in images), default=0)
    rows = FORMATS[wanted.format](
        Layout(usage.class_names, wanted.top, wanted.logits, widest, usage.energy_images)
    )
    append: Write | None = None
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(contextlib.closing(answers(classifier, images, threads)))
        for each in found:
            if isinstance(each, Failed):
                yield each
                continue
            if append is None:
                append = stack.enter_context(_appending(wanted.output, write))
                append(rows.begin())
            append(rows.rows(each))
            _draw(each, drawing, wanted.pictures)
            yield len(each.names)
        if append is not None:
            append(rows.end())


@contextlib.contextmanager
def _appending(output: Path | None, write: Write) -> Iterator[Write]:
    if output is None:
        yield write
        return
    with written_atomically(output) as file:
        yield lambda text: file.write(text.encode())


def _draw(answered: Answers, drawing: Drawing | None, folder: Path | None) -> None:
    if drawing is not None and folder is not None:
        for name, content in drawing.draw(answered):
            write_atomically(folder / name, content)
