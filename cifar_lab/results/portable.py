"""What a record keeps of a run: what repeats it, not where somebody keeps their files."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePath
from typing import Any

#: Stands for a folder of the machine.
DIR = "DIR"
#: Keys of folders: only ``DIR`` is kept of a value that leads out of the working directory.
FOLDERS = ("dataset.root", "dataset.cache_dir")
#: Keys that say where a run writes or caches: they do not help to repeat it.
NOT_REPEATED = ("dataset.cache_dir", "hydra.run.dir", "hydra.sweep.dir")
#: An absolute path, or one from a home directory, anywhere in a text.
PATH = re.compile(r"(?<![\w.~/-])(?:file://)?(?:~[\w-]*)?/(?![/\s])[^\s,;:|'\"`()\[\]{}<>]+")


def portable(value: Any, key: str = "") -> Any:
    """Replace paths of a machine in plain values: ``/home/me/weights.pt`` by ``DIR/weights.pt``.

    Args:
        value: plain values, as in a JSON file.
        key: dotted, of the value in the configuration; empty for other values.
    """
    if isinstance(value, dict):
        return {k: portable(each, f"{key}.{k}" if key else str(k)) for k, each in value.items()}
    if isinstance(value, list):
        return [portable(each, key) for each in value]
    return _portable_text(value, key) if isinstance(value, str) else value


def portable_provenance(made: dict[str, Any]) -> dict[str, Any]:
    """Do the same for the content of provenance.json, and drop what only that machine needs.

    The working directory, the release of the kernel, and variables with a path or the choice of a
    card are dropped; versions, the processor and all that changes how libraries compute are kept.
    """
    differences = made.get("differences")
    if differences is not None:
        differences = [
            {
                "key": each["key"],
                "default": _portable_text(each["default"], each["key"]),
                "value": _portable_text(each["value"], each["key"]),
            }
            for each in differences
        ]
    changed = {
        "command": portable_command(made["command"]),
        "working_directory": None,
        "platform": re.sub(r"^Linux-.+-(\w+-with-\w+)", r"Linux-\1", made["platform"]),
        "environment": _portable_variables(made.get("environment")),
        "differences": differences,
    }
    kept = {key: portable(value) for key, value in made.items() if key not in changed}
    return {key: changed.get(key, kept.get(key)) for key in made}


def portable_command(command: str) -> str:
    """Do the same for the words of a command; drop overrides that say where the run is written."""
    try:
        words = [_portable_word(word) for word in shlex.split(command)]
    except ValueError:  # nothing that this program wrote
        return _portable_text(command, "")
    return shlex.join(word for word in words if word.split("=")[0].lstrip("+") not in NOT_REPEATED)


def _portable_word(word: str) -> str:
    key, equals, value = word.partition("=")
    if not equals or ("/" in key and key.startswith(("/", "~", "."))):
        return _portable_text(word, "")
    return f"{key}={_portable_text(value, key.lstrip('+'))}"


def _portable_text(text: str, key: str) -> str:
    quote = text[:1] if text[:1] in ("'", '"') and text[:1] == text[-1:] else ""
    path = text.strip(quote) if quote else text
    if key in FOLDERS and (_is_path(path) or ".." in PurePath(path).parts):
        return DIR
    if _is_path(path) and path.count("\n") == 0:
        return f"{quote}{_named(path)}{quote}"
    return PATH.sub(lambda found: _named(found[0]), text)


def _is_path(text: str) -> bool:
    """Whether a text is a path of this machine as a whole; it may contain spaces."""
    return re.match(r"(?:file://)?(?:~[\w-]*)?/(?![/\s])|~$", text) is not None


def _named(path: str) -> str:
    """A path as ``DIR`` and its last name."""
    return f"{DIR}/{PurePath(path).name}"


def _portable_variables(environment: dict[str, str] | None) -> dict[str, str] | None:
    if environment is None:
        return None
    return {
        name: value
        for name, value in environment.items()
        if not PATH.search(value) and name != "CUDA_VISIBLE_DEVICES"
    }
