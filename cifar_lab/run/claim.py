"""Claims a folder for a run, together with the run's configuration and its id, in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import write_atomically
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.manifest import Manifest, entry, write_manifest
from cifar_lab.wording import first_sentence

#: Names of folders that are being prepared, and the age from which one was left by a process that
#: died; preparing one takes milliseconds.
PREPARED, LEFT_AFTER_SECONDS = re.compile(r"\..+\.[0-9a-f]{32}\.claim"), 3600.0


def claim(
    folder: RunFolder,
    configuration: Mapping[str, str],
    copies: Mapping[str, bytes] = MappingProxyType({}),
) -> str:
    """Claims the folder for a new run; returns the run's id.

    A hidden folder beside it is filled and then renamed, which fails if the name is in use.
    Therefore, whenever the process dies, either there is no run, or one that can be resumed.

    Args:
        folder: of the new run. It may exist if it is empty.
        configuration: content of the files in ``.hydra/``, by name.
        copies: content of the copied Python files, by path in the folder.

    Raises:
        Refusal: the folder belongs to another run, is not empty, or could not be written.
    """
    identity = secrets.token_hex(16)
    prepared = RunFolder(folder.path.with_name(f".{folder.path.name}.{identity}.claim"))
    try:
        _clear_leftovers(folder.path.parent)
        _fill(prepared, identity, configuration, copies)
        os.rename(prepared.path, folder.path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise Refusal(
                f"run folder {folder.path} could not be written: {first_sentence(error)}; choose "
                "a different hydra.run.dir, or work in a different directory"
            ) from error
        used = "is already used by another run" if folder.exists() else "is not empty"
        raise Refusal(f"{folder.path} {used}; choose a new name") from error
    finally:
        shutil.rmtree(prepared.path, ignore_errors=True)
    return identity


def _fill(
    prepared: RunFolder,
    identity: str,
    configuration: Mapping[str, str],
    copies: Mapping[str, bytes],
) -> None:
    contents = {
        prepared.config.with_name(name): text.encode() for name, text in configuration.items()
    }
    contents |= {prepared.path / name: content for name, content in copies.items()}
    for path, content in contents.items():
        write_atomically(path, content)
    write_atomically(prepared.status, "")  # claimed, but not started
    files = {
        path.relative_to(prepared.path).as_posix(): entry(content)
        for path, content in contents.items()
    }
    write_manifest(prepared.manifest, Manifest.of(identity, files))


def _clear_leftovers(parent: Path) -> None:
    """Deletes what was prepared by processes that died meanwhile."""
    if not parent.is_dir():
        return
    for path in parent.iterdir():
        with contextlib.suppress(OSError):  # another process may be faster
            age = time.time() - path.lstat().st_mtime
            if PREPARED.fullmatch(path.name) and age > LEFT_AFTER_SECONDS:
                shutil.rmtree(path)
