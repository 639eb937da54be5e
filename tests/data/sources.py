"""Sources with settings that tests change one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cifar_lab.data.image_folder import ImageFolder

SPLIT: dict[str, Any] = {
    "validation_fraction": 0.0,
    "split_seed": 0,
    "mean": None,
    "std": None,
    "limit_train_images": None,
}
FOLDER: dict[str, Any] = {"resize": None, "skip_unreadable": False, **SPLIT}
OWN: dict[str, Any] = {
    "class_order": "natural",
    "test_fraction": 0.25,
    "test_seed": 0,
    "copies_together": True,
    **FOLDER,
}


def folder_source(root: Path, kept: Path, **changes: Any) -> ImageFolder:
    return ImageFolder(root=str(root), cache_dir=str(kept / "cache"), **OWN | changes)
