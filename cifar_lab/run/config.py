"""Reads the configuration of a run, as written by Hydra or as recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import Reader, read_json, read_text
from cifar_lab.run.older import completed, with_current_targets
from cifar_lab.run.yaml_sections import load_shared
from cifar_lab.run.yaml_text import load
from cifar_lab.wording import first_sentence

#: Interpolations whose value differs from machine to machine or from day to day.
FROM_OUTSIDE = re.compile(r"\$\{\s*(oc\.env|now|hydra|python_version)\b")

#: ``hydra.runtime.choices`` as OmegaConf writes it.
CHOICES = re.compile(r"^  runtime:\n(?:    .*\n)*?    choices:\n((?:      .*\n)+)", re.MULTILINE)


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
    texts = {key: list(_interpolated(node)) for key, node in config.items()}
    # Nearly all of a run's are resolved already, and OmegaConf takes milliseconds: most groups need
    # none, and those whose interpolations refer to no other key can be resolved alone.
    needed = {key: config[key] for key, found in texts.items() if found}
    if not needed:
        return config
    every = [text for found in texts.values() for text in found]
    alone = all(text.count("${") == len(FROM_OUTSIDE.findall(text)) for text in every)
    return {**config, **_resolved(path, needed if alone else config)}


def _resolved(path: Path, config: dict[str, Any]) -> dict[str, Any]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        plain = OmegaConf.to_container(OmegaConf.create(config), resolve=True)
    except OmegaConfBaseException as error:
        raise Refusal(f"{path} could not be read: {first_sentence(error)}") from error
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def read_choices(path: Path, read: Reader) -> dict[str, Any]:
    """Reads from Hydra's settings which option was chosen of each of our groups.

    Returns:
        By group, its option: a name, a list of names, or None.

    Raises:
        Refusal: they could not be read.
    """
    # The rest takes ten times as long to load, and a list of runs needs it of thousands.
    found = CHOICES.search(read_text(path, read))
    choices = load_shared(path, dedent(found[1])) if found else None
    if not isinstance(choices, dict):
        raise Refusal(f"{path} must contain hydra.runtime.choices; restore a copy of it")
    return {group: option for group, option in choices.items() if "/" not in str(group)}


def read_overrides(path: Path, read: Reader) -> list[str]:
    """Reads the overrides that a run was started with.

    Raises:
        Refusal: they could not be read.
    """
    value = _checked(path, load(path, read_text(path, read)))
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
    value = _checked(path, load_shared(path, text))
    if not isinstance(value, dict) or not value:
        raise Refusal(f"{path} must contain a mapping of keys to values; restore a copy of it")
    return {str(key): each for key, each in value.items()}


def _checked(path: Path, value: Any) -> Any:
    """Refuses an interpolation that could never be resolved, such as ``${a``."""
    texts = list(_interpolated(value))
    if texts:
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        try:
            OmegaConf.create(texts)
        except (OmegaConfBaseException, RecursionError) as error:
            raise Refusal(f"{path} could not be read: {first_sentence(error)}") from error
    return value


def _interpolated(value: Any) -> Iterator[str]:
    """Yields every text with an interpolation, at any depth."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _interpolated(each)
    elif isinstance(value, str) and "${" in value:
        yield value
