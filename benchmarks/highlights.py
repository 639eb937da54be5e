"""The table of README.md: ten rows, each as last measured on hardware that its target fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measure import Case
from benchmarks.table import current, measured

#: Names of the rows, in their order.
CHOSEN = (
    "step-resnet18-bf16-256",
    "step-resnet18-fp32-128",
    "auto-resnet18",
    "epoch-bf16",
    "input-albumentations",
    "tiny-lightning",
    "start-first-step",
    "gradcam-package",
    "list-runs",
    "serving-rate",
)
HEADER = "| measurement | compared with | result (95 % interval) | on |\n| --- | --- | ---: | --- |"


def render(saved: Sequence[dict[str, Any]], cases: Mapping[str, Case]) -> str:
    """Renders the rows of :data:`CHOSEN` that were measured somewhere.

    Args:
        saved: from :func:`benchmarks.results.load_all`.
        cases: by name.
    """
    rows = [_row(name, saved, cases[name]) for name in CHOSEN]
    return "\n".join([HEADER, *filter(None, rows)])


def _row(name: str, saved: Sequence[dict[str, Any]], case: Case) -> str | None:
    found = [
        (machine, entry)
        for machine in saved
        if name in machine["cases"]
        and (entry := current(machine["cases"][name], case))["value"] is not None
        and entry["obstacle"] is None
    ]
    if not found:
        return None
    # Of those of which only the day was kept, the hardware with most features.
    machine, entry = max(found, key=lambda pair: (pair[1]["date"], len(pair[0]["features"])))
    return f"| {case.what} | {case.against or '–'} | {measured(entry)} | {_device(machine)} |"


def _device(machine: dict[str, Any]) -> str:
    """The hardware in few words: the name up to its cores, and the newest feature used."""
    name = machine["device"].split(",")[0].removesuffix(" Processor")
    return ", ".join([name, *machine["features"][-1:]])
