"""The names that a run may have: each is the name of a folder below ``outputs/``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

#: Names under outputs/ that have another meaning.
RESERVED_NAMES = {"latest", "best", "show", "find-lr"}
LONGEST_NAME = 100


def _folder_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise ValueError(f"must be at most {LONGEST_NAME} characters long, got {len(name):,}")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) and name not in RESERVED_NAMES:
        return name
    raise ValueError(
        "must be a folder name made of letters, digits, '.', '_' and '-' that begins with a letter "
        "or a digit, and must not be one of "
        f"{', '.join(sorted(RESERVED_NAMES))}"
    )


FolderName = Annotated[str, AfterValidator(_folder_name)]
