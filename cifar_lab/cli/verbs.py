"""The verbs, their help and the exit statuses; imports nothing heavy."""

from __future__ import annotations

from typing import NamedTuple

from cifar_lab.wording import aligned

DONE, FAILED, REFUSED = 0, 1, 2


class Verb(NamedTuple):
    """A verb.

    Attributes:
        usage: what follows the program's name, without the flags that ``trust`` implies.
        help: one line.
        function: as ``module.name``.
        trust: flag by which whoever made the run is trusted; empty for verbs that read no run.
            A verb that has one also accepts ``--config-dir``.
    """

    usage: str
    help: str
    function: str
    trust: str = ""


VERBS = {
    "train": Verb(
        "train [OVERRIDES] [-m]", "train, evaluate and report; -m runs a sweep", "train.train"
    ),
    "ablate": Verb(
        "ablate [GROUP] [OVERRIDES] [--without KEY=VALUE]…",
        "leave out each step of a group in turn, and rank what they are worth",
        "sweep.ablate",
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
    "report": Verb(
        "report RUN [report.KEY=VALUE]", "redraw a run's report", "runs.report", "--trust"
    ),
    "explain": Verb(
        "explain RUN [FLAGS]",
        "show where the model looks: --ids, --layer, --target, --method, --trust",
        "explain.explain",
        "--trust-code",
    ),
    "eval": Verb(
        "eval RUN", "recompute a run's test accuracy, or add it", "runs.evaluate", "--trust"
    ),
    "resume": Verb(
        "resume RUN|SWEEP", "continue an interrupted run or sweep", "runs.resume", "--trust"
    ),
    "extend": Verb(
        "extend SWEEP OVERRIDES", "add jobs to a sweep and run them", "sweep.extend", "--trust"
    ),
    "confirm": Verb(
        "confirm SWEEP [--seeds 5] [--all-within-noise] [--all-images]",
        "run what a sweep chose again with new seeds, and evaluate the test images",
        "sweep.confirm",
        "--trust",
    ),
    "rerun": Verb(
        "rerun RUN [OVERRIDES]",
        "run a run's configuration again, with changes",
        "runs.rerun",
        "--trust",
    ),
    "ls": Verb(
        "ls [PART…] [KEY=VALUE…] [FLAGS]",
        "list runs: --sort COLUMN, --reverse, --all (jobs of sweeps, too), --json",
        "listing.ls",
    ),
    "tag": Verb("tag RUN [WORD] [--remove]", "tag a run, or list its tags", "keeping.tag"),
    "note": Verb(
        "note RUN|SWEEP [TEXT]", "note something about a run, or print it", "keeping.note"
    ),
    "rm": Verb("rm RUN…", "move runs or whole sweeps to outputs/.trash", "keeping.rm"),
    "restore": Verb(
        "restore [RUN…]", "bring runs back from the trash, or list it", "keeping.restore"
    ),
    "prune": Verb(
        "prune [RUN…] [--keep best] [--yes]",
        "delete checkpoints that finished runs no longer need",
        "keeping.prune",
    ),
    "compare": Verb(
        "compare RUN… [FLAGS]",
        "compare runs, sweeps and globs: --baseline, --metric, --format, -o",
        "comparing.compare",
    ),
    "record": Verb(
        "record [RUN|SWEEP…]",
        "add runs and sweeps to experiments/results/ and its ledger",
        "runs.record",
        "--trust",
    ),
}


RUN_HELP = "RUN is a path, 'latest', 'best', or any part of a path that matches exactly one run."

CODE_HELP = (
    "Verbs that read a RUN accept --config-dir DIR, beside which its own Python files lie, and "
    "--trust\n(explain: --trust-code), which imports them from wherever the run says."
)

COMPLETION_HELP = 'Completion: eval "$(cifar-lab -sc install=bash)" (or zsh); fish: … | source'


def help_of(name: str) -> str:
    """Return the help text of one verb."""
    verb = VERBS[name]
    flags = f" [--config-dir DIR] [{verb.trust}]" if verb.trust else ""
    lines = [f"usage: cifar-lab {verb.usage}{flags}", "", verb.help, "", RUN_HELP]
    return "\n".join([*lines, *([CODE_HELP] if verb.trust else [])])


def usage() -> str:
    """Return the help text: one line for each verb."""
    lines = [f"  {line}" for line in aligned([(v.usage, v.help) for v in VERBS.values()])]
    closing = [
        CODE_HELP,
        "`cifar-lab train --help` lists the configuration groups and their options.",
        COMPLETION_HELP,
    ]
    return "\n".join(["usage: cifar-lab VERB …", "", *lines, "", RUN_HELP, *closing])
