"""How a run was requested, and what it starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cifar_lab.bounds import NonNegativeInt


@dataclass(frozen=True)
class Difference:
    """A value that differs from the default: its key, and both values as text."""

    key: str
    default: str
    value: str


@dataclass(frozen=True)
class StartingWeights:
    """Weights that a run started from, by ``model.weights``.

    Attributes:
        path: of the other run's folder, or of the file.
        sha256: of the file that held them, in hexadecimal.
        run: id of the run that trained them; None if it is unknown.
        new: names of the network's tensors that kept their initial values.
        unused: names of tensors that the network does not have.
    """

    path: str
    sha256: str
    run: str | None
    new: tuple[str, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class Parent:
    """The finished run that another one extends; the value of its configuration's ``extends``.

    Attributes:
        run: path of the parent's folder.
        id: of the parent; None for a run from before runs had one.
        epochs: that the parent completed, after which this run continues.
        checkpoint: SHA-256 of the parent's last checkpoint, in hexadecimal.
        recipe: hash of what defines the parent's experiment: equal for parents that differ in
            their seed alone.
    """

    run: str
    id: str | None
    epochs: NonNegativeInt
    checkpoint: str
    recipe: str


class Origin(NamedTuple):
    """How a run was requested.

    Attributes:
        command: repeats the run.
        differences: between its configuration and the defaults.
        replaced: files below ``--config-dir`` that were used instead of packaged ones.
    """

    command: str
    differences: list[Difference]
    replaced: tuple[str, ...] = ()
