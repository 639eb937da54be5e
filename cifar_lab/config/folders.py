"""Checks the folders that Hydra's own keys name, before a run claims one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from cifar_lab.config.reasons import reason
from cifar_lab.wording import shortened

#: Longest name of a file or folder, and longest path, in bytes, on Linux and macOS.
LONGEST_NAME, LONGEST_PATH = 255, 1000


def folder_problems(config: DictConfig) -> Iterator[str]:
    """Yield a problem for each folder that is empty or too long for the file system.

    Args:
        config: as composed; includes Hydra's node.
    """
    for parent in ("run", "sweep"):
        key = f"hydra.{parent}.dir"
        if parent == "sweep" and OmegaConf.is_interpolation(config.hydra.sweep, "dir"):
            continue  # the run's, which was checked
        try:
            folder = config.hydra[parent].dir
        except OmegaConfBaseException as error:
            yield f"{key}: {reason(error)}"
            continue
        if not isinstance(folder, str) or not folder.strip():
            yield f"{key}={folder}: must be a path; leave it out for outputs/NAME/DATE/TIME"
            continue
        names = [os.fsencode(name) for name in folder.split("/")]
        if max(map(len, names)) > LONGEST_NAME or len(os.fsencode(folder)) > LONGEST_PATH:
            yield (
                f"{key}={shortened(folder)}: is too long; a name in a path has at most "
                f"{LONGEST_NAME} bytes, and a path {LONGEST_PATH:,}"
            )
