"""The verbs, their help and the exit statuses; imports nothing heavy."""

from __future__ import annotations

from typing import NamedTuple

from cifar_lab.wording import aligned

DONE, FAILED, REFUSED = 0, 1, 2


class Verb(NamedTuple):
    """A verb's usage, its one-line help, and its function as ``module.name``."""

    usage: str
    help: str
    function: str


VERBS = {
    "train": Verb(
        "train [OVERRIDES] [-m]", "train, evaluate and report; -m runs a sweep", "train.train"
    ),
    "check": Verb(
        "check [OVERRIDES] [-m]", "check whether it would run, without training", "train.check"
    ),
    "find-lr": Verb(
        "find-lr [OVERRIDES]", "find a learning rate with range tests", "find_lr.find_lr"
    ),
    "show": Verb(
        "show {data,augmentation,model,schedule} [OVERRIDES]",
        "print or draw one part of a configuration",
        "show.show",
    ),
    "report": Verb("report RUN [report.KEY=VALUE]", "redraw a run's report", "runs.report"),
    "explain": Verb(
        "explain RUN [FLAGS]",
        "show where the model looks: --ids, --layer, --target, --method, --trust",
        "explain.explain",
    ),
    "eval": Verb("eval RUN", "recompute a run's test accuracy", "runs.evaluate"),
    "resume": Verb("resume RUN", "continue an interrupted run", "runs.resume"),
    "rerun": Verb(
        "rerun RUN [OVERRIDES]", "run a run's configuration again, with changes", "runs.rerun"
    ),
    "ls": Verb("ls [PART]", "list runs", "runs.ls"),
    "record": Verb(
        "record [RUN…]", "add runs to experiments/results/ and its ledger", "runs.record"
    ),
}


RUN_HELP = "RUN is a path, 'latest', 'best', or any part of a path that matches exactly one run."


COMPLETION_HELP = 'Completion: eval "$(cifar-lab -sc install=bash)" (or zsh); fish: … | source'


def usage() -> str:
    """Return the help text: one line for each verb."""
    lines = [f"  {line}" for line in aligned([(v.usage, v.help) for v in VERBS.values()])]
    closing = [
        "`cifar-lab train --help` lists the configuration groups and their options.",
        COMPLETION_HELP,
    ]
    return "\n".join(["usage: cifar-lab VERB …", "", *lines, "", RUN_HELP, *closing])
