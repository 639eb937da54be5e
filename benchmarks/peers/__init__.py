"""What people write without this project, each with what its own documentation recommends."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent

# Before albumentations is imported anywhere: it calls home.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


class MissingPeer(ImportError):
    """A library to compare with is not installed."""


def load(name: str) -> Any:
    """A module of this folder, imported when a case needs it.

    Raises:
        MissingPeer: what it compares with is not installed.
    """
    try:
        return importlib.import_module(f"benchmarks.peers.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("benchmarks"):
            raise
        raise MissingPeer(
            f"{error.name} is not installed; pip install 'cifar-lab[bench]' brings the peers"
        ) from error
