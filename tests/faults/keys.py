"""Walks every key of the composed configuration through values that hardly any key admits."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.faults.campaign import Campaign, Trial
from tests.faults.program import Answer, call
from tests.faults.runs import TRAINING, the_run

VALUES = ("null", "-1", "0", "1000000000", "nan", "purple", "${oc.env:CIFAR_LAB_UNSET}")
SMALL = (*TRAINING, "debug=smoke")


def trials(folder: Path, seed: int) -> Iterator[Trial]:
    """Sets each key to each value, and trains for two batches where that is allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    composed = call(("train", *SMALL, "--cfg", "job"), folder)
    for key in leaves(yaml.safe_load(composed.text)):
        for value in VALUES:
            here = folder / "here"
            here.mkdir()
            answer = call(("train", *SMALL, f"{key}={value}"), here)
            yield Trial(f"{key}={value}", fault(answer, key, the_run(here)))
            shutil.rmtree(here)


def leaves(node: Any, prefix: str = "") -> Iterator[str]:
    """Yields the dotted keys of all values that are not mappings with keys."""
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def fault(answer: Answer, key: str, run: Path | None) -> str | None:
    """Says what is wrong with an answer to a value of a key; None if nothing is."""
    if unclean := answer.unclean():
        return unclean
    if answer.status == 2:
        return _refused(answer, key, run)
    if run is None:
        return f"exit status {answer.status} without a run: {answer.last_line()}"
    state = json.loads((run / "status.json").read_text())["state"]
    if (answer.status, state) not in ((0, "done"), (1, "failed")):
        return f"exit status {answer.status}, and the run is {state}: {answer.last_line()}"
    if answer.status == 1 and "failed: " not in answer.text:
        return f"failed without a message: {answer.last_line()}"
    return None


def _refused(answer: Answer, key: str, run: Path | None) -> str | None:
    if run is not None:
        return "refused, but left a run folder"
    # A value may be wrong beside another key only; the message then begins with that one.
    if not any(part in answer.text for part in (key, key.rpartition(".")[2])):
        return f"does not name the key: {answer.last_line()}"
    return None


CAMPAIGN = Campaign(
    "keys",
    "A mistaken value is refused with its key before training, or trains to the end.",
    "every key of the configuration set to " + ", ".join(f"`{value}`" for value in VALUES),
    trials,
)
