"""Collects decoded images in files of pixels, and what is wrong with those that were not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.layout import first_few
from cifar_lab.data.pixel_file import PixelFile
from cifar_lab.data.rgb import Sized
from cifar_lab.wording import plural

#: Number of decoded images held in memory at the same time.
DECODED_AT_ONCE = 4096

#: Sample id, label, and the image or the reason why it could not be read.
Row = tuple[str, int, Sized | str]


@dataclass(frozen=True)
class Part:
    """Images of one origin, such as a validation folder.

    Attributes:
        name: in messages.
        rows: the images, decoded one after the other.
        count: how many there are.
    """

    name: str
    rows: Iterable[Row]
    count: int


class Collector:
    """Writes splits to memory-mapped files, so that their pixels are never all in memory.

    Args:
        class_names: in the order of the labels.
        resize: side in pixels to which the images were resized; None if they were not.

    Attributes:
        unreadable: sample ids of images that could not be read, with the reason.
        kept: number of images by part.
    """

    def __init__(self, class_names: Sequence[str], resize: int | None) -> None:
        self.unreadable: list[tuple[str, str]] = []
        self.kept: Counter[str] = Counter()
        self._names, self._resize = tuple(class_names), resize
        self._classes: Counter[tuple[str, int]] = Counter()
        self._sizes: dict[tuple[int, ...], list[str]] = {}

    def split(self, parts: Sequence[Part], path: Path) -> ImageArrays | None:
        """Write the images of all parts to one file; None if there are none."""
        store = PixelFile(path, sum(part.count for part in parts))
        labels, ids, file_sizes = [], [], []
        for part in parts:
            for sample_id, label, decoded in part.rows:
                if isinstance(decoded, str):
                    self.unreadable.append((sample_id, decoded))
                    continue
                image, file_size = decoded
                self.kept[part.name] += 1
                self._classes[part.name, label] += 1
                self._sizes.setdefault(image.shape[:2], []).append(sample_id)
                store.append(image)
                labels.append(label)
                ids.append(sample_id)
                file_sizes.append(file_size)
        if not ids:
            return None
        return ImageArrays(
            images=store.images(),
            labels=np.asarray(labels, dtype=np.int64),
            class_names=self._names,
            sample_ids=np.asarray(ids),
            file_sizes=None if self._resize is None else np.asarray(file_sizes, dtype=np.int32),
        )

    def emptied(self, part: str) -> list[str]:
        """The classes of which a part has no readable image."""
        return [n for label, n in enumerate(self._names) if not self._classes[part, label]]

    def unreadable_problems(self) -> list[str]:
        """At most one sentence, about all splits."""
        if not self.unreadable:
            return []
        return [
            f"{plural(len(self.unreadable), 'file', 'files')} could not be read as images: "
            f"{self._unreadable()}; remove them, or set dataset.skip_unreadable=true to skip them"
        ]

    def notes(self) -> tuple[str, ...]:
        """At most one sentence about skipped files."""
        if not self.unreadable:
            return ()
        count = plural(len(self.unreadable), "file", "files")
        return (f"skipped {count} that could not be read as images: {self._unreadable()}",)

    def _unreadable(self) -> str:
        return first_few([f"{file} ({reason})" for file, reason in self.unreadable])

    def size_problems(self) -> list[str]:
        """At most one sentence, with an example of each size."""
        if len(self._sizes) < 2:
            return []
        by_count = sorted(self._sizes.items(), key=lambda item: -len(item[1]))
        shown = ", ".join(f"{h}×{w} ({len(f)}, e.g. {f[0]})" for (h, w), f in by_count[:4])
        return [
            f"images must all have the same size, got {len(by_count)} sizes: "
            f"{shown}{', …' if len(by_count) > 4 else ''}; set dataset.resize=32 (or another size)"
        ]
