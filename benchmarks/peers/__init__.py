"""The peers: what people write without this project, as each library's documentation advises."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent

# Set before albumentations is imported: it would look up its newest version online.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


class MissingPeer(ImportError):
    """A library that is compared with is not installed."""


def load(name: str) -> Any:
    """Imports a module of this folder when a case needs it.

    Raises:
        MissingPeer: its library is not installed.
    """
    try:
        return importlib.import_module(f"benchmarks.peers.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("benchmarks"):
            raise
        raise MissingPeer(
            f"{error.name} is not installed; pip install 'cifar-lab[bench]' installs the peers"
        ) from error
