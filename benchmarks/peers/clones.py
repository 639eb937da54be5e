"""Training scripts that are no packages: clones of their repositories, below ``BENCH_PEERS``."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.peers import MissingPeer

VARIABLE = "BENCH_PEERS"


def clone(repository: str, script: str) -> Path | None:
    """Returns a script of a clone; None if no folder of clones is given.

    Args:
        repository: ``owner/name`` on GitHub; the clone's folder has its name.
        script: its path below.

    Raises:
        MissingPeer: the folder that is given does not have it.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return None
    folder = Path(given).resolve()
    file = folder / repository.partition("/")[2] / script
    if not file.is_file():
        raise MissingPeer(
            f"{VARIABLE}={given}: {file} does not exist; git clone "
            f"https://github.com/{repository} in {folder}"
        )
    return file
