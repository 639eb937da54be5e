"""What a campaign is, and what it found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAVED = Path(__file__).resolve().parent / "results.json"


@dataclass(frozen=True)
class Trial:
    """One thing that was tried.

    Attributes:
        what: tried, for example ``SIGKILL after 1.3 s``.
        fault: how the promise was broken; None if it held.
    """

    what: str
    fault: str | None


@dataclass(frozen=True)
class Campaign:
    """A promise of docs/runs.md and the trials that could break it.

    Attributes:
        name: on the command line.
        promise: one sentence of the table of docs/runs.md.
        how: it is tried, a noun phrase of that table.
        trials: yields them; is given an empty folder to work in and a seed.
        needs: what the machine must allow, or None if nothing is needed; returns what is missing.
    """

    name: str
    promise: str
    how: str
    trials: Callable[[Path, int], Iterator[Trial]]
    missing: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Found:
    """What a campaign found: how many trials, and every one that broke the promise."""

    tried: int
    faults: tuple[Trial, ...]

    @property
    def fine(self) -> int:
        """Number of trials in which the promise held."""
        return self.tried - len(self.faults)


def run(campaign: Campaign, folder: Path, seed: int, show: Callable[[str], None] = print) -> Found:
    """Runs all trials of a campaign and shows those that broke its promise."""
    tried, faults = 0, []
    for trial in campaign.trials(folder, seed):
        tried += 1
        if trial.fault is not None:
            faults.append(trial)
            show(f"  {trial.what}: {trial.fault}")
    return Found(tried, tuple(faults))


def save(path: Path, campaign: Campaign, found: Found, facts: dict[str, Any]) -> None:
    """Writes what a campaign found to ``path``; other campaigns' results are kept.

    Args:
        path: of the JSON file.
        campaign: that was run.
        found: by it.
        facts: of the machine, the date and the commit.
    """
    saved = load(path)
    saved[campaign.name] = {
        "promise": campaign.promise,
        "how": campaign.how,
        "tried": found.tried,
        "fine": found.fine,
        "faults": [f"{trial.what}: {trial.fault}" for trial in found.faults],
        **facts,
    }
    path.write_text(json.dumps(saved, indent=1, ensure_ascii=False) + "\n")


def load(path: Path = SAVED) -> dict[str, Any]:
    """Reads what was saved, by the campaign's name."""
    return json.loads(path.read_text()) if path.is_file() else {}
