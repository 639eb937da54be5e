"""Published studies and their recorded runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Literal, NamedTuple

from cifar_lab.analysis.intervals import Interval, wilson
from cifar_lab.analysis.spread import student
from cifar_lab.results.recorded import grouped, shortened
from cifar_lab.run.files import read_json
from cifar_lab.run.record import Run

#: Fewer runs than this cannot show that a study's accuracy is not reached.
DECIDING = 3
#: Whether the published accuracy is reached.
Verdict = Literal["yes", "no", "undecided"]


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
        unrun: experiments beside it without a complete run.
    """

    facts: dict[str, Any]
    groups: Sequence[Sequence[Run]]
    beside: Sequence[Sequence[Run]]
    not_counted: Sequence[NotCounted]
    unrun: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The experiment's name."""
        return str(self.facts["name"])

    @property
    def whole(self) -> list[Run]:
        """Every complete run."""
        return [run for group in self.groups for run in group]

    def reached_by(self, runs: Sequence[Run]) -> Verdict:
        """Whether their mean test accuracy is at least the published one.

        A lower mean of fewer than ``DECIDING`` runs leaves it undecided.
        """
        if mean_test_accuracy(runs) >= float(self.facts["test_accuracy"]):
            return "yes"
        return "no" if len(runs) >= DECIDING else "undecided"

    def within(self, runs: Sequence[Run]) -> bool:
        """Whether the published accuracy lies in their interval."""
        found = interval(runs)
        return found.low <= float(self.facts["test_accuracy"]) <= found.high


def mean_test_accuracy(runs: Sequence[Run]) -> float:
    """Mean accuracy after the last epoch on all test images, in 0 … 1."""
    return mean(run.summary.opened.accuracy for run in runs)


def interval(runs: Sequence[Run]) -> Interval:
    """The 95 % interval of their mean: over seeds or, of a single run, over its test images."""
    if len(runs) > 1:
        return student([run.summary.opened.accuracy for run in runs])
    (run,) = runs
    return wilson(run.summary.opened.count - run.summary.opened.wrong, run.summary.opened.count)


def experiments_in(experiments: Path) -> list[str]:
    """Return the names of the experiments of a checkout, in order."""
    return sorted(file.stem for file in experiments.glob("*.yaml"))


def read_published(experiments: Path) -> dict[str, Any] | None:
    """What the studies asked for and published; None in a checkout without published studies.

    Raises:
        Refusal: the file is damaged.
    """
    path = experiments / "published.json"
    return read_json(path) if path.is_file() else None


def studies(
    published: dict[str, Any], runs: Sequence[Run], experiments: Sequence[str] = ()
) -> list[Study]:
    """Every study with its runs: those with its name and those named after it.

    Args:
        published: result of :func:`read_published`.
        runs: recorded runs of any experiment.
        experiments: names of all experiments, so that those without a run are listed too.
    """
    found = []
    for facts in published["studies"]:
        judged = [
            NotCounted(run, shortcomings(run, facts))
            for run in runs
            if _belongs(run.summary.name, facts)
        ]
        groups = grouped([run for run, reasons in judged if not reasons])
        own = [group for group in groups if group[0].summary.name == facts["name"]]
        beside = [group for group in groups if group[0].summary.name != facts["name"]]
        rest = [each for each in judged if each.reasons]
        known = {facts["name"], *(group[0].summary.name for group in beside)}
        unrun = [name for name in experiments if _belongs(name, facts) and name not in known]
        found.append(Study(facts, own, beside, rest, unrun))
    return found


def _belongs(name: str, facts: dict[str, Any]) -> bool:
    """Whether an experiment is a study or named after it."""
    return f"{name}_".startswith(f"{facts['name']}_")


def shortcomings(run: Run, facts: dict[str, Any]) -> list[str]:
    """Why a run is not a complete run of its study; empty if it is."""
    summary, config = run.summary, run.config
    reasons = shortened(run)
    if "train_accuracy" not in summary.final:
        reasons.append("no training accuracy in its summary.json")
    if not summary.per_class:
        reasons.append("no results per class in its summary.json")
    if config["dataset"].get("validation_fraction"):
        reasons.append(f"dataset.validation_fraction={config['dataset']['validation_fraction']}")
    values = {
        "epochs": summary.epochs_planned,
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
