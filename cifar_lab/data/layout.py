"""Which folders of a data set hold which split."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cifar_lab.refusal import Refusal

LAYOUT_HINT = "arrange the images as train/<class>/* and test/<class>/* inside it"
#: Names of the folder with validation images.
VALIDATION = ("val", "valid")
#: Folders with such names are splits, so that none of them can be a class.
SPLIT_WORDS = {"train", "training", "test", "testing", "val", "valid", "validation"}


@dataclass(frozen=True)
class Layout:
    """The folder of each split below the root.

    Attributes:
        folders: by split, ``train``, ``val`` and ``test``; empty text for the root itself. Without
            ``test``, test images are split off from the training images by a rule.
        note: a sentence about a layout other than train/ and test/; None for that.
    """

    folders: dict[str, str]
    note: str | None = None


def layout_of(root: str, names: Iterable[str], divisible: bool) -> Layout:
    """Choose the layout of a root by the names of the folders in it.

    Args:
        root: the root as the user wrote it, for messages.
        names: the folders in it.
        divisible: whether test images may be split off by a rule.

    Raises:
        Refusal: the folders fit no layout.
    """
    found = set(names)
    held_out = [name for name in VALIDATION if name in found]
    if len(held_out) == 2:
        raise Refusal(
            f"dataset.root={root}: val/ and valid/ both exist, and only one of them can be the "
            "validation split; remove or merge one"
        )
    needed = () if divisible else ("test",)
    if divisible and not found & {"train", "test", *held_out}:
        return _flat(root, found)
    if "train" in found and "test" not in found and held_out:
        note = (
            f"there is no test/, so {held_out[0]}/ is the test split, by which no epoch is chosen; "
            "validation images are split off from train/"
        )
        return Layout({"train": "train", "test": held_out[0]}, note)
    missing = [name for name in ("train", *needed) if name not in found]
    if missing:
        raise Refusal(
            [
                f"dataset.root={root}: {os.path.join(root, name)} does not exist; {LAYOUT_HINT}"
                for name in missing
            ]
        )
    if "test" not in found:
        return Layout({"train": "train"}, f"there is no test/ in {root}")
    if held_out:
        note = f"{held_out[0]}/ is the validation split; dataset.validation_fraction is not used"
        return Layout({"train": "train", "val": held_out[0], "test": "test"}, note)
    return Layout({"train": "train", "test": "test"})


def _flat(root: str, found: set[str]) -> Layout:
    splits = sorted(name for name in found if name.lower() in SPLIT_WORDS)
    if splits:
        raise Refusal(
            f"dataset.root={root}: {splits[0]}/ is named like a split and not like a class; name "
            "the splits train/, test/ and val/"
        )
    if not found:
        raise Refusal(f"dataset.root={root}: this directory has no folders; {LAYOUT_HINT}")
    return Layout(
        {"train": ""}, f"there is neither train/ nor test/ in {root}: its folders are the classes"
    )


def in_order(names: Iterable[str], order: str | Sequence[str | int]) -> list[str]:
    """The names of classes in the order of their labels.

    Args:
        names: of the class folders.
        order: ``natural`` (alphabetical, but names that are all numbers by value),
            ``alphabetical``, or all names in the wanted order.

    Raises:
        Refusal: the wanted order does not consist of exactly these names.
    """
    found = sorted(names)
    if order == "alphabetical":
        return found
    if isinstance(order, str):
        numbers = all(name.isascii() and name.isdigit() for name in found)
        return sorted(found, key=lambda name: (int(name), name)) if numbers else found
    wanted = [str(name) for name in order]
    lacking, unknown = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
    twice = sorted({name for name in wanted if wanted.count(name) > 1})
    if lacking or unknown or twice:
        raise Refusal(
            "dataset.class_order must name every class folder once; it lacks: "
            f"{first_few(lacking)}; names without a folder: {first_few(unknown)}; named more than "
            f"once: {first_few(twice)}"
        )
    return wanted


def first_few(names: Sequence[str]) -> str:
    """The first five names, or ``none``."""
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "none"
