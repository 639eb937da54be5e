"""The verbs, their help, and the exit statuses; imports nothing heavy."""

from __future__ import annotations

from typing import NamedTuple

from cifar_lab.wording import aligned

DONE, FAILED, REFUSED = 0, 1, 2


class Verb(NamedTuple):
    """A verb's usage, one line of help, and where its function is."""

    usage: str
    help: str
    function: str


VERBS = {
    "train": Verb("train [OVERRIDES] [-m]", "train, evaluate and report; -m sweeps", "train.train"),
    "check": Verb(
        "check [OVERRIDES] [-m]", "say whether it would run, without training", "train.check"
    ),
    "find-lr": Verb(
        "find-lr [OVERRIDES]", "look for a learning rate by range tests", "find_lr.find_lr"
    ),
    "show": Verb(
        "show {data,augmentation,model,schedule} [OVERRIDES]",
        "print or draw one part of a configuration",
        "show.show",
    ),
    "report": Verb("report RUN [report.KEY=VALUE]", "draw a run's report again", "runs.report"),
    "explain": Verb(
        "explain RUN [FLAGS]",
        "where the model looks: --ids, --layer, --target, --method, --trust",
        "explain.explain",
    ),
    "eval": Verb("eval RUN", "compute a run's test accuracy again", "runs.evaluate"),
    "resume": Verb("resume RUN", "go on with an interrupted run", "runs.resume"),
    "rerun": Verb("rerun RUN [OVERRIDES]", "run again, with changes", "runs.rerun"),
    "ls": Verb("ls [PART]", "list runs", "runs.ls"),
    "record": Verb(
        "record [RUN…]", "enter runs into experiments/results/ and its ledger", "runs.record"
    ),
}


RUN_HELP = "RUN is a path, 'latest', 'best', or a part of one run's path."


COMPLETION_HELP = 'Completion: eval "$(cifar-lab -sc install=bash)" (or zsh); fish: … | source'


def usage() -> str:
    """The verbs, a line each."""
    lines = [f"  {line}" for line in aligned([(v.usage, v.help) for v in VERBS.values()])]
    closing = ["`cifar-lab train --help` lists groups and options.", COMPLETION_HELP]
    return "\n".join(["usage: cifar-lab VERB …", "", *lines, "", RUN_HELP, *closing])
