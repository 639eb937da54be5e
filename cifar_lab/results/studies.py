"""Published studies and their recorded runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from cifar_lab.results.recorded import grouped
from cifar_lab.run.files import read_json
from cifar_lab.run.record import Run

#: Configuration keys that shorten a run unless they are null.
SHORTENING = (
    ("trainer", "limit_batches"),
    ("trainer", "limit_epochs"),
    ("dataset", "limit_train_images"),
)


class NotCounted(NamedTuple):
    """A recorded run that is not counted for its study, and why."""

    run: Run
    reasons: list[str]


@dataclass(frozen=True)
class Study:
    """A published study and its recorded runs.

    Attributes:
        facts: the study's entry in ``experiments/published.json``.
        groups: its complete runs, grouped by configuration and hardware.
        beside: complete runs of other recipes for it, grouped likewise: experiments named after
            it, e.g. ``s10_custom_resnet_as_run`` after ``s10_custom_resnet``.
        not_counted: the remaining runs of either kind.
    """

    facts: dict[str, Any]
    groups: Sequence[Sequence[Run]]
    beside: Sequence[Sequence[Run]]
    not_counted: Sequence[NotCounted]

    @property
    def name(self) -> str:
        """The experiment's name."""
        return str(self.facts["name"])

    @property
    def whole(self) -> list[Run]:
        """Every complete run."""
        return [run for group in self.groups for run in group]

    def reached_by(self, runs: Sequence[Run]) -> bool:
        """Whether their mean test accuracy is at least the published one."""
        return mean_test_accuracy(runs) >= float(self.facts["test_accuracy"])


def mean_test_accuracy(runs: Sequence[Run]) -> float:
    """Mean accuracy after the last epoch on all test images, in 0 … 1."""
    return mean(run.summary.opened.accuracy for run in runs)


def read_published(experiments: Path) -> dict[str, Any] | None:
    """What the studies asked for and published; None in a checkout without published studies.

    Raises:
        Refusal: the file is damaged.
    """
    path = experiments / "published.json"
    return read_json(path) if path.is_file() else None


def studies(published: dict[str, Any], runs: Sequence[Run]) -> list[Study]:
    """Every study with its runs: those with its name and those named after it.

    Args:
        published: result of :func:`read_published`.
        runs: recorded runs of any experiment.
    """
    found = []
    for facts in published["studies"]:
        judged = [
            NotCounted(run, shortcomings(run, facts))
            for run in runs
            if f"{run.summary.name}_".startswith(f"{facts['name']}_")
        ]
        groups = grouped([run for run, reasons in judged if not reasons])
        own = [group for group in groups if group[0].summary.name == facts["name"]]
        beside = [group for group in groups if group[0].summary.name != facts["name"]]
        found.append(Study(facts, own, beside, [each for each in judged if each.reasons]))
    return found


def shortcomings(run: Run, facts: dict[str, Any]) -> list[str]:
    """Why a run is not a complete run of its study; empty if it is."""
    summary, config = run.summary, run.config
    trained, planned = summary.epochs_trained, summary.epochs_planned
    reasons = [f"{trained} of {planned} epochs"] if trained < planned else []
    if trained == planned and summary.stopped is not None:
        reasons.append(summary.stopped)  # the last epoch was cut short
    reasons += [
        f"{group}.{key}={config[group][key]}"
        for group, key in SHORTENING
        if config[group].get(key) is not None
    ]
    if "train_accuracy" not in summary.final:
        reasons.append("no training accuracy in its summary.json")
    if not summary.per_class:
        reasons.append("no results per class in its summary.json")
    if config["dataset"].get("validation_fraction"):
        reasons.append(f"dataset.validation_fraction={config['dataset']['validation_fraction']}")
    values = {
        "epochs": planned,
        "batch_size": config["trainer"]["batch_size"],
        "parameters": summary.parameters,
    }
    return reasons + [
        f"{name.replace('_', ' ')} {value:,} instead of {facts[name]:,}"
        for name, value in values.items()
        if value != facts[name]
    ]


def _main() -> None:
    """Print the studies' names, one per line, for the Makefile."""
    published = read_published(Path(sys.argv[1]))
    print("\n".join(facts["name"] for facts in (published or {"studies": []})["studies"]))


if __name__ == "__main__":
    _main()
