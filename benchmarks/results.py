"""Saves and loads measurements: one JSON file for each kind of hardware."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.machine import slug
from benchmarks.measure import Case, Result
from benchmarks.targets import Target

FOLDER = Path(__file__).resolve().parent / "results"


def save(folder: Path, machine: dict[str, Any], case: Case, result: Result) -> Path:
    """Writes the result of a case to the file of its hardware; other cases are kept.

    Args:
        folder: of the files.
        machine: from :func:`benchmarks.machine.describe`.
        case: that was run.
        result: of the case.
    """
    path = folder / f"{slug(machine['device'])}.json"
    saved = json.loads(path.read_text()) if path.is_file() else {"cases": {}}
    now = datetime.now(timezone.utc)
    saved = {**machine, "date": now.date().isoformat(), "cases": saved["cases"]}
    saved["cases"][case.name] = {
        **entry(case, result, machine["features"]),
        "date": now.isoformat(timespec="minutes"),
        "commit": machine["commit"],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(saved, indent=1, ensure_ascii=False) + "\n")
    return path


def entry(case: Case, result: Result, features: Sequence[str]) -> dict[str, Any]:
    """Returns a case and its result as plain values.

    Args:
        case: that was run.
        result: of the case.
        features: of the hardware that it was measured with.
    """
    return {
        "what": case.what,
        "against": case.against,
        "unit": case.unit,
        "features": list(features),
        **judged(case.target, result.value, features, result.reachable),
        **_rounded(dataclasses.asdict(result)),
    }


def judged(
    target: Target | None, value: float | None, features: Sequence[str], reachable: float | None
) -> dict[str, Any]:
    """Returns a target, why it does not apply (or None), and whether a value meets it (or None)."""
    if target is None:
        return {"target": None, "obstacle": None, "met": None}
    obstacle = target.obstacle(features, reachable)
    met = None if value is None or obstacle is not None else target.met(value)
    return {"target": dataclasses.asdict(target), "obstacle": obstacle, "met": met}


def load_all(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Loads all saved files, sorted by name."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def _rounded(value: Any) -> Any:
    """Rounds numbers to six digits, which exceeds the accuracy of a clock."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
