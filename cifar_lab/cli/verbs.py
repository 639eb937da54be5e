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
        as_recorded: whether it can use the copies of Python files in the run.
        options: flags with their values, each with its meaning, for the help of the verb.
    """

    usage: str
    help: str
    function: str
    trust: str = ""
    as_recorded: bool = False
    options: tuple[tuple[str, str], ...] = ()


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
        "report RUN [report.KEY=VALUE]", "redraw a run's report", "runs.report", "--trust", True
    ),
    "explain": Verb(
        "explain RUN [FLAGS]",
        "show where the model looks: --ids, --layer, --target, --method, --trust",
        "explain.explain",
        "--trust-code",
        True,
        (
            ("--ids ID,…", "sample ids of evaluated images; without it, those of the report"),
            ("--layer LAYER,…", "module names; without it, the report's (report.gradcam_layer)"),
            (
                "--target predicted,true,difference",
                "the logit to explain: of the predicted class, "
                "of the true class, or their difference; without it, all three",
            ),
            (
                "--method gradcam,hirescam,guided_gradcam,integrated_gradients,occlusion",
                "how to attribute; the last two need no layer; without it, GradCAM or, where it is "
                "unfaithful, HiResCAM and GradCAM",
            ),
            ("--trust", "measure how far the maps can be trusted; combines with one --method only"),
            ("report.KEY=VALUE", "which images and layers, as in the configuration of the report"),
        ),
    ),
    "eval": Verb(
        "eval RUN [--on corruptions|DIR]",
        "recompute a run's test accuracy, or add it; --on evaluates corrupted or other images",
        "runs.evaluate",
        "--trust",
        True,
        (
            ("--on corruptions", "fifteen corruptions of the test images at five severities"),
            (
                "--on DIR",
                "the official .npy files of CIFAR-10-C or CIFAR-10.1, for runs on CIFAR-10",
            ),
        ),
    ),
    "resume": Verb(
        "resume RUN|SWEEP", "continue an interrupted run or sweep", "runs.resume", "--trust", True
    ),
    "extend": Verb(
        "extend RUN|SWEEP OVERRIDES",
        "train a finished run for more epochs, or add jobs to a sweep",
        "runs.extend",
        "--trust",
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
        True,
    ),
    "export": Verb(
        "export RUN [FLAGS]",
        "write a run's network into a folder that stands alone, or as ONNX",
        "export.export",
        "--trust",
        True,
        (
            ("-o PLACE", "where to, a new folder or file; without it, exports/NAME-ID"),
            (
                "--format bundle|onnx|torch-export",
                "bundle, the default, is a folder that cifar-lab opens; the others are one file "
                "with the network alone, for other programs (torch.export.load may run code that "
                "is in a file, so that cifar-lab loads none)",
            ),
            (
                "--misclassified N",
                "how many misclassified images to show at most; without it, 40",
            ),
            ("--license ID", "for the model card, e.g. mit; without it, unknown"),
            ("--service", "add a Dockerfile and a unit of systemd, for `cifar-lab serve`"),
        ),
    ),
    "new": Verb(
        "new KIND NAME",
        "write a part of your own to begin with: dataset, model, criterion, augmentation, "
        "optimizer, scheduler, hook or experiment",
        "own_parts.new",
    ),
    "cp": Verb("cp GROUP/OPTION TARGET", "copy a packaged option, to change it", "own_parts.cp"),
    "ls": Verb(
        "ls [PART…] [KEY=VALUE…] [FLAGS]",
        "list runs: --sort COLUMN, --reverse, --all (jobs of sweeps, too), --json",
        "listing.ls",
    ),
    "predict": Verb(
        "predict RUN|BUNDLE IMAGE… [FLAGS]",
        "classify images: --top, --format, -o, --explain, --device, --precision",
        "predict.predict",
        "--trust",
        True,
        (
            (
                "IMAGE",
                "a file, a folder with all files below it that are not hidden, or - for an image "
                "in standard input",
            ),
            ("--from FILE", "also classify the paths in a file, one a line; - is standard input"),
            ("--top 5", "how many of the most probable classes"),
            ("--format table|json|csv", "of the rows, which go to standard output"),
            ("--logits", "add all logits, to json and csv"),
            ("-o FILE", "write the rows to a file, completely or not at all"),
            ("--explain DIR", "write where the network looks: a PNG file for each image"),
            (
                "--method, --layer, --target",
                "how to attribute, at which layer, and to which class; without them, HiResCAM or "
                "GradCAM of the predicted class",
            ),
            (
                "--device auto|cpu|cuda",
                "where to compute; without it, where the run was evaluated, if possible",
            ),
            (
                "--precision float32|bfloat16",
                "in which to compute; without it, as the network was evaluated",
            ),
        ),
    ),
    "app": Verb(
        "app RUN|BUNDLE [--port N] [--open] [--export-space DIR]",
        "classify and explain images in a browser, or write a Hugging Face Space that does",
        "app.app",
        "--trust",
        True,
        (
            ("--port N", "of this machine; without it, the first free one from 7860"),
            ("--open", "open the page in a browser"),
            ("--export-space DIR", "write the app, the network and its code to a folder instead"),
        ),
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
    "serve": Verb(
        "serve BUNDLE [--host 127.0.0.1] [--port 8000] [FLAGS]",
        "answer requests over HTTP with an exported network, until SIGTERM or Ctrl-C",
        "serve.serve",
        options=(
            ("--host HOST", "address to listen on; 0.0.0.0 is every one of this machine"),
            ("--port PORT", "0 chooses one that is free"),
            ("--batch-size 32", "images that the network computes at once, at most"),
            ("--batch-wait-ms 2", "how long an image waits for others to share its batch"),
            ("--max-queue 256", "images that wait; further ones are answered with 503"),
            ("--max-body-mb 20", "larger requests are answered with 413"),
            ("--grace 30", "seconds, at most, to answer what was accepted before it stops"),
            ("--device cpu", "cpu, cuda, cuda:N or auto"),
            ("--threads N", "of the CPU; without it, as many as it has cores"),
            ("--trust", "import the Python files in the bundle"),
            ("--access-log", "write a line to stderr for each request"),
        ),
    ),
    "sync": Verb(
        "sync RUN|SWEEP… [hooks=mlflow …]",
        "send runs that have ended to the trackers of their configurations, or to others",
        "sync.sync",
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
    "--trust\n(explain: --trust-code), which imports them from wherever the run says; "
    "--as-recorded uses the\ncopies in the run instead of the files."
)

COMPLETION_HELP = 'Completion: eval "$(cifar-lab -sc install=bash)" (or zsh); fish: … | source'


def help_of(name: str) -> str:
    """Return the help text of one verb."""
    verb = VERBS[name]
    flags = f" [--config-dir DIR] [{verb.trust}]" if verb.trust else ""
    flags += " [--as-recorded]" if verb.as_recorded else ""
    lines = [f"usage: cifar-lab {verb.usage}{flags}", "", verb.help]
    for flag, meaning in verb.options:
        lines += ["", f"  {flag}", f"      {meaning}"]
    lines += ["", RUN_HELP] if "RUN" in verb.usage else []
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
