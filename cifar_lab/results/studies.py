"""Published studies beside the runs that were recorded of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from cifar_lab.results.recorded import Result, grouped
from cifar_lab.run.files import read_json

#: Keys of the configuration that shorten a run where they are not null.
SHORTENING = (
    ("trainer", "limit_batches"),
    ("trainer", "limit_epochs"),
    ("dataset", "limit_train_images"),
)


class NotCounted(NamedTuple):
    """A recorded run that says nothing about its study, and why."""

    result: Result
    reasons: list[str]


@dataclass(frozen=True)
class Study:
    """A published study and what was recorded of it.

    Attributes:
        facts: of ``experiments/published.json``.
        groups: its whole runs, those whose configuration and hardware are alike together.
        beside: whole runs of other recipes for it, grouped likewise: of the experiments that are
            named after it, ``s10_custom_resnet_as_run`` after ``s10_custom_resnet``.
        not_counted: its and their other runs.
    """

    facts: dict[str, Any]
    groups: Sequence[Sequence[Result]]
    beside: Sequence[Sequence[Result]]
    not_counted: Sequence[NotCounted]

    @property
    def name(self) -> str:
        """The experiment's name."""
        return str(self.facts["name"])

    @property
    def whole(self) -> list[Result]:
        """Every whole run."""
        return [result for group in self.groups for result in group]

    def reached_by(self, runs: Sequence[Result]) -> bool:
        """Whether their mean test accuracy is at least the published one."""
        return mean_test_accuracy(runs) >= float(self.facts["test_accuracy"])


def mean_test_accuracy(runs: Sequence[Result]) -> float:
    """Of the last epochs on all test images, in 0 … 1."""
    return mean(result.summary["test"]["accuracy"] for result in runs)


def read_published(experiments: Path) -> dict[str, Any] | None:
    """What the studies asked for and published; None in a checkout that reproduces none.

    Raises:
        Refusal: the file is damaged.
    """
    path = experiments / "published.json"
    return read_json(path) if path.is_file() else None


def studies(published: dict[str, Any], results: Sequence[Result]) -> list[Study]:
    """Every study with its runs, which are those of its name or named after it.

    Args:
        published: of :func:`read_published`.
        results: recorded runs of any experiment.
    """
    found = []
    for facts in published["studies"]:
        judged = [
            NotCounted(result, shortcomings(result, facts))
            for result in results
            if f"{result.summary['name']}_".startswith(f"{facts['name']}_")
        ]
        groups = grouped([result for result, reasons in judged if not reasons])
        own = [group for group in groups if group[0].summary["name"] == facts["name"]]
        beside = [group for group in groups if group[0].summary["name"] != facts["name"]]
        found.append(Study(facts, own, beside, [each for each in judged if each.reasons]))
    return found


def shortcomings(result: Result, facts: dict[str, Any]) -> list[str]:
    """Why a run is not the whole of its study; nothing where it is."""
    summary, config = result.summary, result.config
    trained, planned = summary["epochs_trained"], summary["epochs_planned"]
    reasons = [f"{trained} of {planned} epochs"] if trained < planned else []
    reasons += [
        f"{group}.{key}={config[group][key]}"
        for group, key in SHORTENING
        if config[group].get(key) is not None
    ]
    if config["dataset"].get("validation_fraction"):
        reasons.append(f"dataset.validation_fraction={config['dataset']['validation_fraction']}")
    values = {
        "epochs": planned,
        "batch_size": config["trainer"]["batch_size"],
        "parameters": summary["parameters"],
    }
    return reasons + [
        f"{name.replace('_', ' ')} {value:,} where {facts[name]:,} are asked for"
        for name, value in values.items()
        if value != facts[name]
    ]
