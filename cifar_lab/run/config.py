"""Reads the configuration of a run, as written by Hydra or as recorded."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import Reader, read_json, read_text
from cifar_lab.run.older import completed, with_current_targets
from cifar_lab.run.yaml_text import refuse_unloadable
from cifar_lab.wording import first_sentence

#: Interpolations whose value differs from machine to machine or from day to day.
FROM_OUTSIDE = re.compile(r"\$\{\s*(oc\.env|now|hydra|python_version)\b")


def read_config(path: Path, text: str) -> dict[str, Any]:
    """Reads a configuration with unresolved interpolations, brought up to the current layout.

    Args:
        path: of the file, for messages.
        text: its content.

    Raises:
        Refusal: it is not a configuration.
    """
    return completed(with_current_targets(_mapping(path, text)))


def read_recorded_config(path: Path, read: Reader) -> dict[str, Any]:
    """Reads a recorded configuration, whose interpolations were resolved when it was recorded.

    Raises:
        Refusal: it is not a configuration.
    """
    value = read_json(path, read)
    if not isinstance(value, dict):
        raise Refusal(f"{path} must contain a JSON object; restore a copy of it")
    return completed(with_current_targets(value))


def resolved(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Resolves all interpolations; the result consists of plain values.

    Raises:
        Refusal: an interpolation refers to a key that does not exist.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        plain = OmegaConf.to_container(OmegaConf.create(config), resolve=True)
    except OmegaConfBaseException as error:
        raise Refusal(f"{path} could not be read: {first_sentence(error)}") from error
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def read_overrides(path: Path, read: Reader) -> list[str]:
    """Reads the overrides that a run was started with.

    Raises:
        Refusal: they could not be read.
    """
    value = _loaded(path, read_text(path, read))
    if not isinstance(value, list):
        raise Refusal(f"{path} must contain a list of overrides; restore a copy of it")
    return [str(override) for override in value]


def pinned(written: Any, saved: Any) -> Any:
    """Replaces what was interpolated from the environment by the value that was saved.

    Interpolations of other keys stay, so that they follow a change of these. Of a place, such as
    ``dataset.root``, what was written was saved as well.

    Args:
        written: a configuration, or a part of it.
        saved: the same, resolved.
    """
    if isinstance(written, dict) and isinstance(saved, dict):
        return {key: pinned(value, saved.get(key, value)) for key, value in written.items()}
    if isinstance(written, list) and isinstance(saved, list) and len(written) == len(saved):
        return [pinned(*pair) for pair in zip(written, saved, strict=True)]
    is_from_outside = isinstance(written, str) and FROM_OUTSIDE.search(written) is not None
    return saved if is_from_outside else written


def _mapping(path: Path, text: str) -> dict[str, Any]:
    value = _loaded(path, text)
    if not isinstance(value, dict) or not value:
        raise Refusal(f"{path} must contain a mapping of keys to values; restore a copy of it")
    return {str(key): each for key, each in value.items()}


def _loaded(path: Path, text: str) -> Any:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    refuse_unloadable(path, text)
    try:
        return OmegaConf.to_container(OmegaConf.load(io.StringIO(text)), resolve=False)
    except (OSError, OmegaConfBaseException, ValueError, RecursionError) as error:
        raise Refusal(f"{path} could not be read: {first_sentence(error)}") from error
