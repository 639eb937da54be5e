"""The verbs that start from a run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_lab.cli.arguments import run_and_overrides
from cifar_lab.cli.verbs import DONE
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import read_json
from cifar_lab.run.find import OUTPUTS, find_run, find_runs
from cifar_lab.run.folder import RunFolder

if TYPE_CHECKING:
    from cifar_lab.assembly import Experiment

#: Overrides that say where a run is read, and change nothing of it.
PLACES = ("device=", "dataset.root=", "dataset.cache_dir=")


def report(words: list[str]) -> int:
    """Draws a run's report again; ``report.KEY=VALUE`` changes what it shows."""
    folder, overrides = run_and_overrides(words, "report")
    refuse_others("report", overrides, ("report.", *PLACES))
    experiment = restored(folder, overrides)
    from cifar_lab.recipe import draw_report

    draw_report(experiment, folder)
    return DONE


def evaluate(words: list[str]) -> int:
    """Computes a run's test accuracy again and prints it beside the recorded one."""
    folder, overrides = run_and_overrides(words, "eval")
    refuse_others("eval", overrides, PLACES)
    from cifar_lab.recipe import evaluate as evaluate_again

    evaluate_again(restored(folder, overrides), folder)
    return DONE


def resume(words: list[str]) -> int:
    """Goes on with an interrupted run, in its own folder."""
    folder, overrides = run_and_overrides(words, "resume")
    refuse_others("resume", overrides, PLACES)
    from cifar_lab.recipe import follow, refuse_unresumable, run_experiment
    from cifar_lab.run.origin import Origin

    refuse_unresumable(folder)
    experiment = restored(folder, overrides)
    if experiment.trainer.unmet_needs():
        raise Refusal(experiment.trainer.unmet_needs())
    if not experiment.trainer.world.leads:
        follow(experiment)
        return DONE
    origin = Origin(shlex.join(["cifar-lab", "rerun", str(folder.path)]), differences=[])
    if folder.provenance.is_file():
        origin = Origin.recorded(read_json(folder.provenance))
    run_experiment(experiment, folder, origin, resume=True)
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
    """Lists runs, by name and then by time."""
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
    """Enters runs into ``experiments/results/``, and writes the ledger and the studies' page."""
    from cifar_lab.config.saved import saved_job
    from cifar_lab.report.pages.studies import write_studies
    from cifar_lab.results.ledger import record_runs

    folders = [find_run(OUTPUTS, word) for word in words]
    ledger = record_runs([(run, saved_job(run)) for run in folders], Path("experiments"))
    print(f"ledger: {ledger}")
    page = write_studies(Path("experiments"))
    if page is not None:
        print(f"studies: {page}")
    return DONE


def restored(folder: RunFolder, overrides: list[str]) -> Experiment:
    """A run's experiment, built from its saved configuration as it can be built here."""
    from cifar_lab import assembly
    from cifar_lab.config.saved import restored
    from cifar_lab.run.console import speak

    speak()
    found = restored(folder, overrides)
    if found.problems:
        raise Refusal(found.problems)
    if not folder.provenance.is_file():  # it was stopped before it began
        return assembly.experiment(found.job())
    made_with = read_json(folder.provenance)
    experiment = assembly.experiment(assembly.readable(found.job(), made_with))
    max_lr = made_with.get("max_lr_found")
    return experiment if max_lr is None else experiment.with_max_lr(max_lr)


def _results(folder: RunFolder) -> tuple[str, str, str]:
    if not folder.summary.is_file():
        return ("", "", "")
    try:
        result = read_json(folder.summary)
    except Refusal:
        return ("", "", "damaged")
    validation = result["validation"]
    return (
        f"{result['epochs_trained']}/{result['epochs_planned']}",
        "" if validation is None else f"{validation['accuracy']:.2%}",
        f"{result['test']['accuracy']:.2%}",
    )


def refuse_others(verb: str, overrides: list[str], allowed: tuple[str, ...]) -> None:
    """Refuses overrides that would change what a run was."""
    others = [text for text in overrides if not text.startswith(allowed)]
    if others:
        raise Refusal(
            f"`cifar-lab {verb}` takes {', '.join(allowed)} only, got {others[0]}; `cifar-lab "
            "rerun` runs again with other values"
        )
