"""Names the folders of a sweep's jobs by the values that differ."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

#: Longest name of a folder, in characters; file systems allow 255 bytes.
LONGEST_NAME = 100
#: What a name may contain without quotes in a shell, on any file system.
UNUSUAL = re.compile(r"[^A-Za-z0-9_.=,+-]+")


def job_names(jobs: Sequence[Mapping[str, str]], taken: Sequence[str] = ()) -> list[str]:
    """Return a name for each job's folder, such as ``optimizer=sgd,seed=0``.

    Names that had to be shortened, or would be those of another job on a file system that ignores
    case, end in a hash of the values.

    Args:
        jobs: text of the value of each key that varies.
        taken: names that exist already.
    """
    used = {name.lower() for name in taken}
    names = []
    for number, values in enumerate(jobs):
        name = _cleaned(values) or "job"
        if len(name) > LONGEST_NAME or name.lower() in used:
            digest = hashlib.sha256(repr((sorted(values.items()), number)).encode()).hexdigest()
            name = f"{name[: LONGEST_NAME - 9]}-{digest[:8]}"
        used.add(name.lower())
        names.append(name)
    return names


def _cleaned(values: Mapping[str, str]) -> str:
    text = ",".join(f"{key}={value}" for key, value in values.items())
    # A name that begins with a dash would be a flag, and one with a dot is hidden.
    return UNUSUAL.sub("_", text).lstrip(".-").rstrip(".")
