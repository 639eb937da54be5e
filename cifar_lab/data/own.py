"""A user's own data set: a class with two methods.

.. code-block:: python

    class Shapes:
        class_names = ("circle", "square")

        def __init__(self, root: str) -> None:
            self.root = root

        def train(self):
            return images, labels  # uint8 (n, height, width, 3), integers (n,)

        def test(self):
            return images, labels

Grey images may be ``(n, height, width)``. Two more methods are optional: ``validation()`` returns
the validation split likewise, and ``files()`` the files and folders that the images are read from;
with it, the images are kept in ``cache_dir`` until a file, an argument or the module changes.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cifar_lab.data.arrays import Outline, SourceImages
from cifar_lab.data.cache import cache_key
from cifar_lab.data.labelled import SPLITS, Given, Split, assembled
from cifar_lab.data.places import files_below
from cifar_lab.data.sources import DecodedSource
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence, plural


@runtime_checkable
class LabelledImages(Protocol):
    """What a class of a user's own must have; its ``class_names`` are optional.

    The images are uint8 ``(n, height, width, 3)``, or ``(n, height, width)`` of grey images; the
    labels are integers ``(n,)``, indices into ``class_names``.
    """

    def train(self) -> tuple[Any, Any]:
        """Return the training images and their labels."""

    def test(self) -> tuple[Any, Any]:
        """Return the test images and their labels."""


@dataclass(frozen=True, kw_only=True)
class OwnSource(DecodedSource):
    """Images and labels that an object of a user's own gives.

    Attributes:
        made: the object, see :class:`LabelledImages`.
        arguments: those that it was made with, as plain values.
    """

    made: Any
    arguments: Mapping[str, Any] = field(compare=False)

    def check(self) -> None:
        """Check that the object has the methods and that its files exist.

        Raises:
            Refusal: it lacks a method, or a file does not exist.
        """
        name = self._name
        lacking = [m for m in ("train", "test") if not callable(getattr(self.made, m, None))]
        if lacking:
            raise Refusal(
                [
                    f"dataset: {name} has no method {method}(); it must return (images, labels): "
                    "uint8 (n, height, width, 3) and integers (n,)"
                    for method in lacking
                ]
            )
        if self._tells_files():
            missing = [path for path in self._paths() if not os.path.exists(path)]
            if missing:
                raise Refusal(
                    [f"dataset: {path}, of {name}.files(), does not exist" for path in missing]
                )

    def at_hand(self) -> bool:
        # Without known files, every load calls the methods anyway: early, so that what is wrong
        # with the arrays is told together with all other problems.
        return not self._tells_files() or super().at_hand()

    def outline(self) -> Outline:
        """The number of classes if they have names, and the size if ``resize`` is set."""
        names = getattr(self.made, "class_names", None)
        size = None if self.resize is None else (self.resize, self.resize)
        validated = True if callable(getattr(self.made, "validation", None)) else None
        named = isinstance(names, Sequence) and not isinstance(names, str)
        classes = len(names) if named and names is not None else None
        return self._outline(classes, size, own_validation=validated)

    def read(self) -> SourceImages:
        if not self._tells_files():
            return self._assembled()
        return self._cached(self._key(), lambda _: self._assembled())

    @property
    def _name(self) -> str:
        return type(self.made).__name__

    def _assembled(self) -> SourceImages:
        problems: list[str] = []
        given: dict[Split, Given] = {}
        for split in SPLITS:
            if split != "validation" or callable(getattr(self.made, split, None)):
                found = self._given(split, problems)
                if found is not None:
                    given[split] = found
        names = self._class_names(problems)
        advice = "; return (n, height, width, 3)"
        try:
            return assembled(given, names, self.resize, "auto", advice, problems)
        except Refusal as refusal:
            raise Refusal([_of_dataset(self._name, each) for each in refusal.problems]) from None

    def _given(self, split: Split, problems: list[str]) -> Given | None:
        try:
            returned = getattr(self.made, split)()
        except Refusal as refusal:
            problems += refusal.problems
            return None
        except Exception as error:  # a user's code may raise anything
            problems.append(f"{split}() raised {_told(error)}")
            return None
        if not isinstance(returned, (tuple, list)) or len(returned) != 2:
            got = type(returned).__name__
            if isinstance(returned, (tuple, list)):
                got += f" of {plural(len(returned), 'item', 'items')}"
            problems.append(f"{split}() must return (images, labels), got {got}")
            return None
        images, labels = returned
        return Given(images, labels, f"images of {split}()", f"labels of {split}()")

    def _class_names(self, problems: list[str]) -> Sequence[str] | None:
        try:
            names = getattr(self.made, "class_names", None)
            return names if names is None or isinstance(names, str) else list(names)
        except Exception as error:  # likewise
            problems.append(f"class_names raised {_told(error)}")
            return None

    def _tells_files(self) -> bool:
        return callable(getattr(self.made, "files", None))

    def _paths(self) -> list[str]:
        try:
            told = self.made.files()
            paths: Iterable[Any] = [told] if isinstance(told, (str, os.PathLike)) else told
            return [os.path.expanduser(os.fspath(path)) for path in paths]
        except Exception as error:  # likewise
            raise Refusal(f"dataset: {self._name}.files() raised {_told(error)}") from error

    def _key(self) -> str:
        settings: dict[str, object] = {
            "own": f"{type(self.made).__module__}.{self._name}",
            "code": _code_of(type(self.made)),
            "arguments": repr(sorted(self.arguments.items())),
            "resize": self.resize,
        }
        return cache_key(files_below(Path.cwd(), self._paths()), Path.cwd(), settings)


def _of_dataset(name: str, problem: str) -> str:
    return f"dataset: {name}: {problem}"


def _told(error: Exception) -> str:
    """The kind of an error, what it says, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if "site-packages" not in f.filename]  # not a library's
    place = f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else ""
    return f"{type(error).__name__}: {first_sentence(error)}{place}"


def _code_of(kind: type) -> str:
    """SHA-256 of the module that defines a class; empty if it is not in a file."""
    try:
        file = inspect.getsourcefile(kind)
    except TypeError:
        file = None
    return "" if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()
