"""Writes a bundle: all of it, or nothing."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from torch import Tensor, nn

from cifar_lab.deploy.bundle import (
    CARD,
    DESCRIPTION,
    MANIFEST,
    WEIGHTS,
    description_text,
    manifest_text,
)
from cifar_lab.deploy.contents import Contents
from cifar_lab.deploy.png import png
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence


def files_of(contents: Contents, metadata: str, model: nn.Module) -> dict[str, bytes]:
    """Return the files of a bundle by their paths in it, except for the manifest.

    Args:
        contents: what it says and shows.
        metadata: of the model card.
        model: has the weights.
    """
    from safetensors.torch import save

    return {
        WEIGHTS: save(dict(_plain(model.state_dict()))),
        DESCRIPTION: description_text(contents.description).encode(),
        CARD: f"{metadata}\n{contents.card}".encode(),
        **{name: png(pixels) for name, pixels in contents.images.items()},
    }


@contextmanager
def new_folder(place: Path, flag: str = "-o") -> Iterator[Path]:
    """Yield a hidden folder, which then gets its name; if anything fails, nothing is left.

    Args:
        place: where it is to be; may exist if it is empty.
        flag: by which a user chooses the place.

    Raises:
        Refusal: something else is there, or it cannot be written.
    """
    hidden = place.with_name(f".{place.name}.{secrets.token_hex(8)}.new")
    try:
        with folders_above(place):
            try:
                hidden.mkdir()
                yield hidden
                os.rename(hidden, place)
            finally:
                shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise Refusal(
            taken(place, flag) if is_taken(place) else not_written(place, error, flag)
        ) from error


@contextmanager
def folders_above(place: Path) -> Iterator[None]:
    """Make the folders that a file or folder is to lie in; if it fails, remove these again.

    Raises:
        OSError: one cannot be made.
    """
    missing = [folder for folder in place.parents if not folder.exists()]  # the deepest first
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):  # somebody else may have put something into it
                folder.rmdir()
        raise


def not_written(place: Path, error: OSError, flag: str = "-o") -> str:
    """Say that a folder or file could not be written, and why."""
    why = error.strerror or first_sentence(error)
    return f"{place} could not be written: {why}; choose another place with {flag}"


def is_taken(place: Path) -> bool:
    """Whether something is where a folder was to be; one that is empty may be replaced."""
    if not place.is_dir():
        return os.path.lexists(place)
    return any(place.iterdir()) or place.samefile(Path.cwd())


def taken(place: Path, flag: str = "-o") -> str:
    """Say that something else is where a folder or file was to be."""
    return f"{place} exists already; choose another place with {flag}, or remove it"


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a bundle and their manifest.

    Raises:
        OSError: they cannot be written.
    """
    for name, content in {**files, MANIFEST: manifest_text(files).encode()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _plain(state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yield tensors on the CPU, each with memory of its own, in the usual layout."""
    for name, tensor in state.items():
        yield name, tensor.detach().cpu().contiguous().clone()
