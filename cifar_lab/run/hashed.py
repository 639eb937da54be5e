"""Checkpoints of runs from before runs had a manifest: each has its SHA-256 beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import write_atomically


def write_hashed(path: Path, content: bytes) -> None:
    """Writes a checkpoint and, next to it, its SHA-256 in the format of ``sha256sum``.

    Two files cannot be replaced at the same instant. Therefore the new hash is first listed beside
    the old one, then the checkpoint is replaced, and then the old hash is removed. Whenever the
    process dies, the existing checkpoint is complete and its hash is listed.
    """
    line = f"{hashlib.sha256(content).hexdigest()}  {path.name}\n"
    hashes = _hash_file(path)
    listed = hashes.read_text() if path.is_file() and hashes.is_file() else ""
    write_atomically(hashes, line + listed)
    write_atomically(path, content)
    write_atomically(hashes, line)


def read_hashed(path: Path) -> bytes:
    """Reads a checkpoint and holds it against the hash beside it.

    Raises:
        Refusal: it is truncated or altered, or has no hash.
        OSError: it, or its hash, could not be read.
    """
    content, hashes = path.read_bytes(), _hash_file(path)
    if not hashes.is_file():
        raise Refusal(
            f"checkpoint {path} cannot be verified: the run has no manifest.json, and there is no "
            f"{hashes.name} as in older runs; restore a copy of manifest.json (in an older run, of "
            f"{hashes.name})"
        )
    # What is no text has no hash in it.
    listed = hashes.read_text(encoding="utf-8", errors="replace").split()
    if hashlib.sha256(content).hexdigest() not in listed:
        raise Refusal(
            f"checkpoint {path} is truncated or was altered: its SHA-256 is not the one in "
            f"{hashes.name}; restore a copy, or train again"
        )
    return content


def _hash_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
