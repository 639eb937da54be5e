"""Reads and writes the files of a run: atomic writes, and one clear message for a bad file."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from cifar_lab.refusal import Refusal, in_our_words
from cifar_lab.run.older import upgraded

T = TypeVar("T")

#: Reads the content of a file.
Reader = Callable[[Path], bytes]

#: Format number of the objects in a run's JSON files; files without a number are older.
FORMAT = 6
#: Names of the temporary files of :func:`write_atomically`.
LEFTOVER = re.compile(r"\..+\.\d+\.tmp")
#: A number that may not be finite. JSON cannot express that: it is written as null.
Measured = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file completely or not at all; creates its folder if necessary.

    A link with the name of the file is replaced, not followed.

    Raises:
        OSError: it could not be written; names the file, which is as it was.
    """
    with written_atomically(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def written_atomically(path: Path) -> Iterator[BinaryIO]:
    """Opens a file that gets its name once everything inside is written, as write_atomically.

    Raises:
        OSError: it could not be written; names the file, which is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary)):
            raise
        # A failed write does not say of which file.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def clear_leftovers(folder: Path) -> None:
    """Deletes temporary files of processes that were killed while they wrote.

    Only for who holds the lock of the folder: another process may be writing otherwise.
    """
    for place, _, names in os.walk(folder):
        for name in filter(LEFTOVER.fullmatch, names):
            Path(place, name).unlink(missing_ok=True)


def not_followed(path: str, flags: int) -> int:
    """An opener for ``open`` that fails on a link."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def write_json(path: Path, value: Any) -> None:
    """Writes a plain value as JSON, atomically.

    Raises:
        ValueError: a number is not finite.
    """
    write_atomically(path, json_text(value))


def json_text(value: Any) -> str:
    """Formats a plain value as JSON.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_object(path: Path, value: Any) -> None:
    """Writes a dataclass as a JSON object with its format number, atomically."""
    write_atomically(path, object_text(value))


def object_text(value: Any) -> str:
    """Formats a dataclass as a JSON object with its format number."""
    return json_text(as_object(value))


def as_object(value: Any) -> dict[str, Any]:
    """A dataclass as the plain values of its JSON object, with its format number."""
    fields = json.loads(_adapter(type(value)).dump_json(value, by_alias=True))
    return {"format": FORMAT, **fields}


def read_object(path: Path, kind: type[T], read: Reader = Path.read_bytes) -> T:
    """Reads what :func:`write_object` of this version, or an older version, wrote.

    Args:
        path: of the file.
        kind: the dataclass.
        read: reads the content; may raise ``Refusal``.

    Raises:
        Refusal: the file is missing, is not JSON, is from a newer version, or has the wrong
            structure; the message names the first wrong key.
    """
    return from_object(path, read_json(path, read), kind)


def from_object(path: Path, value: Any, kind: type[T]) -> T:
    """Convert what :func:`as_object` of this version, or an older version, made.

    Args:
        path: where it was read, for messages.
        value: plain values.
        kind: the dataclass.

    Raises:
        Refusal: it is from a newer version, or has the wrong structure.
    """
    if not isinstance(value, dict):
        raise Refusal(
            f"{path} must contain a JSON object, got {_kind(value)}; restore a copy of it"
        )
    value = dict(value)
    version = value.pop("format", 1)
    if not isinstance(version, int) or version > FORMAT:
        raise Refusal(
            f"{path} has format {version}, but this version reads formats up to {FORMAT}; update "
            "cifar-lab"
        )
    text = json.dumps(upgraded(kind.__name__, value) if version < FORMAT else value)
    try:
        found: T = _adapter(kind).validate_json(text, strict=True)
        return found
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        got = "" if first["type"] == "missing" else f", got {_kind(first['input'])}"
        problem = "is missing" if first["type"] == "missing" else in_our_words(first["msg"])
        raise Refusal(f"{path}: {key}: {problem}{got}; restore a copy of the file") from error


def read_json(path: Path, read: Reader = Path.read_bytes) -> Any:
    """Reads a JSON file of a run; NaN and Infinity, written by older versions, become None.

    Raises:
        Refusal: the file is missing, empty or not JSON.
    """
    try:
        value = json.loads(read_text(path, read), parse_constant=lambda _: None)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Refusal(f"{path} is not valid JSON: {error}; is this a finished run?") from error
    if not value:
        raise Refusal(f"{path} is empty; is this a finished run?")
    return value


def read_text(path: Path, read: Reader = Path.read_bytes) -> str:
    """Reads a text file of a run.

    Raises:
        Refusal: the file is missing or is not text.
    """
    try:
        return read(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{path} could not be read: {error}; is this a finished run?") from error


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Packs named arrays into the content of an npz file, compressed."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # it also has options
    return buffer.getvalue()


def read_arrays(
    path: Path,
    names: Sequence[str] = (),
    read: Reader = Path.read_bytes,
    only: Sequence[str] | None = None,
) -> dict[str, NDArray[Any]]:
    """Reads the arrays that :func:`packed` packed.

    Args:
        path: of the file.
        names: of required arrays.
        read: reads the content; may raise ``Refusal``.
        only: of the arrays to unpack, if there are any; None for all.

    Raises:
        Refusal: the file is missing, lacks a required array, or contains something else.
    """
    try:
        with np.load(io.BytesIO(read(path))) as file:
            wanted = [name for name in file.files if only is None or name in only]
            arrays = {name: file[name] for name in wanted}
    except Refusal:
        raise
    except (OSError, EOFError, ValueError, KeyError, AttributeError, BadZipFile) as error:
        raise Refusal(f"{path} could not be read: {error}; is this a finished run?") from error
    refuse_missing(path, names, arrays)
    return arrays


def refuse_missing(path: Path, names: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Refuses arrays of a file that lack one of these names."""
    missing = [name for name in names if name not in arrays]
    if missing:
        raise Refusal(
            f"{path} could not be read: it has no array {missing[0]}; is this a finished run?"
        )


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Caches adapters: each takes a millisecond to create, and a list of runs needs thousands."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _kind(value: Any) -> str:
    """Describes a value for a message: its type if it is a container, else its JSON."""
    names = {dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value)) or json.dumps(value, ensure_ascii=False)[:60]
