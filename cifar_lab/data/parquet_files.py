"""Finds and reads Parquet files as Hugging Face's ``datasets`` lays out images.

https://huggingface.co/docs/datasets/repository_structure and
https://huggingface.co/docs/datasets/image_load
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cifar_lab.data.layout import first_few
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence

Split = Literal["train", "validation", "test"]
#: Words by which ``datasets`` recognises the split of a file.
WORDS: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
LAYOUT = "it needs data/train-*.parquet and data/test-*.parquet"


@dataclass(frozen=True)
class Columns:
    """What the schema says of the two columns.

    Attributes:
        class_names: those of the labels; None if the files do not name them.
        is_text: whether the labels are the names themselves.
    """

    class_names: tuple[str, ...] | None
    is_text: bool


def files_of_splits(root: Path) -> dict[Split, list[Path]]:
    """The Parquet files of each split: in the root, in ``data/``, or in another folder.

    Raises:
        Refusal: there are none, or there are several folders of them.
    """
    if not os.path.isdir(root):
        raise Refusal(f"dataset.root={root} is not a directory; {LAYOUT}")
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    found = {folder: _splits(folder) for folder in (root, root / "data", *folders)}
    usable = [folder for folder, splits in found.items() if "train" in splits]
    if not usable:
        raise Refusal(f"dataset.root={root} has no Parquet files of a training split; {LAYOUT}")
    if usable[0] not in (root, root / "data") and len(usable) > 1:
        raise Refusal(
            f"dataset.root={root} has several configurations: "
            f"{first_few([folder.name for folder in usable])}; choose one, e.g. "
            f"dataset.root={usable[0]}"
        )
    return found[usable[0]]


def _splits(folder: Path) -> dict[Split, list[Path]]:
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    by_split: dict[Split, list[Path]] = {}
    for file in files:
        word = re.split(r"[^a-z]", file.name.lower())[0]
        for split, words in WORDS.items():
            if word in words:
                by_split.setdefault(split, []).append(file)
    return by_split


def columns_of(file: Path, image_column: str, label_column: str) -> Columns:
    """Read the schema of a file.

    Raises:
        Refusal: a column is missing or holds something else; all at once.
    """
    schema = _opened(file).schema_arrow
    problems = [
        f"dataset.{key}={name}: {file} has no such column; its columns are: "
        f"{', '.join(schema.names)}"
        for key, name in (("image_column", image_column), ("label_column", label_column))
        if name not in schema.names
    ]
    if problems:
        raise Refusal(problems)
    image, label = (str(schema.field(name).type) for name in (image_column, label_column))
    if not ("binary" in image and (image.startswith("struct<") or image.endswith("binary"))):
        problems.append(
            f"dataset.image_column={image_column}: {file} has {image} in it, and not encoded "
            "images: {bytes, path} or bytes"
        )
    if not re.fullmatch(r"u?int\d+|(large_)?string", label):
        problems.append(
            f"dataset.label_column={label_column}: {file} has {label} in it, and not one class for "
            "each image"
        )
    if problems:
        raise Refusal(problems)
    names = _class_names(schema.metadata or {}, label_column)
    return Columns(names, label.endswith("string"))


def _class_names(metadata: dict[bytes, bytes], column: str) -> tuple[str, ...] | None:
    """The names that ``datasets`` wrote beside the columns; None without any."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        names = features[column]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return tuple(map(str, names)) if isinstance(names, list) else None


def rows_in(files: Sequence[Path]) -> int:
    """The number of rows, from the ends of the files alone."""
    return sum(int(_opened(file).metadata.num_rows) for file in files)


def labels_in(files: Sequence[Path], column: str) -> list[Any]:
    """All labels, without reading an image; None where a row has none."""
    return [
        label
        for file in files
        for label in _opened(file).read(columns=[column]).column(column).to_pylist()
    ]


def images_in(files: Sequence[Path], column: str, at_once: int) -> Iterator[list[bytes | None]]:
    """The encoded images in lists of at most ``at_once``; None where a row has no bytes."""
    for file in files:
        for batch in _opened(file).iter_batches(batch_size=at_once, columns=[column]):
            values = batch.column(0).to_pylist()
            yield [v.get("bytes") if isinstance(v, dict) else v for v in values]


def _opened(file: Path) -> Any:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(file)
    except Exception as error:  # a damaged file may raise anything
        raise Refusal(f"{file} could not be read: {first_sentence(error)}") from error
