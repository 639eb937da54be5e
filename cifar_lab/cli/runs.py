"""The verbs that start from a run."""

from __future__ import annotations

import shlex
from pathlib import Path

from cifar_lab.cli.arguments import run_and_overrides
from cifar_lab.cli.verbs import DONE
from cifar_lab.nodes import PLACES
from cifar_lab.refusal import Refusal
from cifar_lab.run.find import OUTPUTS, find_run, find_runs
from cifar_lab.run.record import Run
from cifar_lab.wording import aligned

#: What the overrides begin with that say where a run is read.
OF_PLACES = tuple(f"{key}=" for key in PLACES)


def report(words: list[str]) -> int:
    """Draws a run's report again; ``report.KEY=VALUE`` changes what it shows."""
    run, overrides = run_and_overrides(words, "report")
    refuse_others("report", overrides, ("report.", *OF_PLACES))
    from cifar_lab.cli.process import speak
    from cifar_lab.recipe.open import experiment
    from cifar_lab.recipe.read import draw_report

    speak()
    draw_report(experiment(run, overrides), run)
    return DONE


def evaluate(words: list[str]) -> int:
    """Computes a run's test accuracy again and prints it beside the recorded one."""
    run, overrides = run_and_overrides(words, "eval")
    refuse_others("eval", overrides, OF_PLACES)
    from cifar_lab.cli.process import speak, threads_of
    from cifar_lab.recipe.open import experiment
    from cifar_lab.recipe.read import evaluate as evaluate_again

    speak()
    threads_of(run)
    evaluate_again(experiment(run, overrides), run)
    return DONE


def resume(words: list[str]) -> int:
    """Goes on with an interrupted run, in its own folder."""
    run, overrides = run_and_overrides(words, "resume")
    refuse_others("resume", overrides, OF_PLACES)
    from cifar_lab.cli.process import listening, speak, threads_of
    from cifar_lab.recipe import launch

    speak()
    if run.folder.last_checkpoint.is_file():
        threads_of(run)
    launch.resume(run, overrides, listening)
    return DONE


def rerun(words: list[str]) -> int:
    """Runs a run's saved configuration again, with changes."""
    run, overrides = run_and_overrides(words, "rerun")
    from cifar_lab.cli.process import listening, speak
    from cifar_lab.recipe import launch

    speak()
    composer, found, dropped = launch.rerun(run, overrides)
    if dropped:
        print(f"dropped from the earlier run, as it is replaced: {shlex.join(dropped)}")
    command = shlex.join(["cifar-lab", "rerun", str(run.folder.path), *overrides])
    launch.start(composer, found, launch.built(found), command, listening)
    return DONE


def ls(words: list[str]) -> int:
    """Lists runs, by name and then by time."""
    if len(words) > 1 or any(word.startswith("-") for word in words):
        raise Refusal("`cifar-lab ls` takes at most a part of a path")
    rows = [("run", "state", "epochs", "validation", "test")]
    for run in find_runs(OUTPUTS):
        path = run.folder.path.as_posix()
        if not words or words[0] in path:
            rows.append((path, run.state, *_results(run)))
    if len(rows) == 1:
        print(f"no runs below {OUTPUTS}/; `cifar-lab train experiments=digits` makes one")
        return DONE
    print("\n".join(aligned(rows)))
    return DONE


def record(words: list[str]) -> int:
    """Enters runs into ``experiments/results/``, and writes the ledger and the studies' page."""
    from cifar_lab.report.pages.studies import write_studies
    from cifar_lab.results.ledger import record_runs

    experiments = Path("experiments")
    ledger = record_runs([find_run(OUTPUTS, word) for word in words], experiments)
    print(f"ledger: {ledger}")
    page = write_studies(experiments)
    if page is not None:
        print(f"studies: {page}")
    return DONE


def refuse_others(verb: str, overrides: list[str], allowed: tuple[str, ...]) -> None:
    """Refuses overrides that would change what a run was."""
    others = [text for text in overrides if not text.startswith(allowed)]
    if others:
        raise Refusal(
            f"`cifar-lab {verb}` takes {', '.join(allowed)} only, got {others[0]}; `cifar-lab "
            "rerun` runs again with other values"
        )


def _results(run: Run) -> tuple[str, str, str]:
    if not run.finished:
        return ("", "", "")
    try:
        result = run.summary
    except Refusal:
        return ("", "", "damaged")
    validation = result.validation
    return (
        f"{result.epochs_trained}/{result.epochs_planned}",
        "" if validation is None else f"{validation.accuracy:.2%}",
        f"{result.test.accuracy:.2%}",
    )
