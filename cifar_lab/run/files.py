"""Files of a run: written whole or not at all, read with one clear message."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cifar_lab.refusal import Refusal


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file whole or not at all; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes a value as JSON, atomically."""
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Reads a JSON file of a run.

    Raises:
        Refusal: the file is missing or no JSON.
    """
    try:
        value = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise Refusal(f"{path} is no JSON: {error}; is this a finished run?") from error
    if not value:
        raise Refusal(f"{path} is empty; is this a finished run?")
    return value


def read_text(path: Path) -> str:
    """Reads a text file of a run.

    Raises:
        Refusal: the file is missing or no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Refusal(f"{path} cannot be read: {error}; is this a finished run?") from error
