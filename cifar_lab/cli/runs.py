"""The verbs that start from a run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_lab.cli.arguments import OUTPUTS, run_and_overrides
from cifar_lab.cli.main import DONE
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder, find_run, find_runs, read_json

if TYPE_CHECKING:
    from cifar_lab.build import Experiment


def report(words: list[str]) -> int:
    """Draws a run's report again; ``report.KEY=VALUE`` changes what it shows."""
    folder, overrides = run_and_overrides(words, "report")
    others = [text for text in overrides if not text.startswith("report.")]
    if others:
        raise Refusal(
            f"`cifar-lab report` changes report.* only, got {others[0]}; `cifar-lab rerun` runs "
            "again with other values"
        )
    experiment = _restored(folder, overrides)
    from cifar_lab.recipe import draw_report
    from cifar_lab.recipe import evaluate as evaluate_again

    draw_report(experiment, folder, evaluate_again(experiment, folder))
    return DONE


def evaluate(words: list[str]) -> int:
    """Computes a run's test accuracy again and prints it beside the recorded one."""
    folder, overrides = run_and_overrides(words, "eval")
    _refuse_overrides("eval", overrides)
    from cifar_lab.recipe import evaluate as evaluate_again

    evaluate_again(_restored(folder, []), folder)
    return DONE


def resume(words: list[str]) -> int:
    """Goes on with an interrupted run, in its own folder."""
    folder, overrides = run_and_overrides(words, "resume")
    _refuse_overrides("resume", overrides)
    from cifar_lab.recipe import refuse_unresumable, run_experiment

    refuse_unresumable(folder)
    command = shlex.join(["cifar-lab", "rerun", str(folder.path)])
    if folder.provenance.is_file():
        command = read_json(folder.provenance)["command"]
    run_experiment(_restored(folder, []), folder, command, resume=True)
    return DONE


def rerun(words: list[str]) -> int:
    """Runs a run's saved configuration again, with changes."""
    folder, overrides = run_and_overrides(words, "rerun")
    from cifar_lab.cli.train import build_checked, launch
    from cifar_lab.config.compose import Composer
    from cifar_lab.config.saved import rerun as rerun_config
    from cifar_lab.config.saved import saved_config_dir
    from cifar_lab.run.console import speak

    speak()
    composer = Composer(saved_config_dir(folder))
    found, dropped = rerun_config(composer, folder, overrides)
    if dropped:
        print(f"dropped from the earlier run, as it is replaced: {shlex.join(dropped)}")
    command = shlex.join(["cifar-lab", "rerun", str(folder.path), *overrides])
    launch(composer, found, build_checked(found), command)
    return DONE


def ls(words: list[str]) -> int:
    """Lists runs, oldest first."""
    from cifar_lab.run.status import state_of

    if len(words) > 1 or any(word.startswith("-") for word in words):
        raise Refusal("`cifar-lab ls` takes at most a part of a path")
    rows = [("run", "state", "epochs", "validation", "test")]
    for folder in find_runs(OUTPUTS):
        if not words or words[0] in folder.path.as_posix():
            rows.append((folder.path.as_posix(), state_of(folder), *_results(folder)))
    if len(rows) == 1:
        print(f"no runs below {OUTPUTS}/; `cifar-lab train experiments=digits` makes one")
        return DONE
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    return DONE


def record(words: list[str]) -> int:
    """Copies what the ledger needs of runs into ``experiments/results/`` and writes the ledger."""
    from cifar_lab.config.saved import saved_job
    from cifar_lab.run.ledger import record_runs

    folders = [find_run(OUTPUTS, word) for word in words]
    ledger = record_runs([(run, saved_job(run)) for run in folders], Path("experiments"))
    print(f"ledger: {ledger}")
    return DONE


def _restored(folder: RunFolder, overrides: list[str]) -> Experiment:
    """A run's experiment, built from its saved configuration."""
    from cifar_lab.cli.train import build_checked
    from cifar_lab.config.compose import Composer
    from cifar_lab.config.saved import rerun as rerun_config
    from cifar_lab.config.saved import saved_config_dir
    from cifar_lab.run.console import speak

    speak()
    found, _ = rerun_config(Composer(saved_config_dir(folder)), folder, overrides)
    return build_checked(found)


def _results(folder: RunFolder) -> tuple[str, str, str]:
    if not folder.summary.is_file():
        return ("", "", "")
    result = read_json(folder.summary)
    validation = result["validation"]
    return (
        f"{result['epochs_trained']}/{result['epochs_planned']}",
        "" if validation is None else f"{validation['accuracy']:.2%}",
        f"{result['test']['accuracy']:.2%}",
    )


def _refuse_overrides(verb: str, overrides: list[str]) -> None:
    if overrides:
        raise Refusal(
            f"`cifar-lab {verb}` takes no overrides, got {overrides[0]}; `cifar-lab rerun` runs "
            "again with other values"
        )
