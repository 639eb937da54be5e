"""The verbs that work on existing runs."""

from __future__ import annotations

import shlex
from pathlib import Path

from cifar_lab.cli.arguments import code_flags, named_run, run_and_overrides
from cifar_lab.cli.verbs import DONE
from cifar_lab.nodes import PLACES
from cifar_lab.refusal import Refusal
from cifar_lab.run.believed import own_code
from cifar_lab.run.find import find_runs
from cifar_lab.run.folder import OUTPUTS
from cifar_lab.run.record import Run
from cifar_lab.wording import aligned

#: Prefixes of the overrides that say where a run's data are and which device to use.
PLACE_OVERRIDES = tuple(f"{key}=" for key in PLACES)

#: Of the columns of `ls`.
HEADINGS = ("run", "state", "epochs", "validation", "test", "precision")


def report(words: list[str]) -> int:
    """Redraw a run's report; ``report.KEY=VALUE`` changes what it shows."""
    run, overrides, given = run_and_overrides(words, "report")
    refuse_others("report", overrides, ("report.", *PLACE_OVERRIDES))
    from cifar_lab.cli.process import speak
    from cifar_lab.recipe.open import experiment
    from cifar_lab.recipe.read import draw_report

    speak()
    draw_report(experiment(run, overrides, own_code(run, given)), run)
    return DONE


def evaluate(words: list[str]) -> int:
    """Recompute a run's test accuracy and print it beside the recorded one."""
    run, overrides, given = run_and_overrides(words, "eval")
    refuse_others("eval", overrides, PLACE_OVERRIDES)
    from cifar_lab.cli.process import speak, use_threads_of
    from cifar_lab.recipe.open import experiment
    from cifar_lab.recipe.read import evaluate as evaluate_again

    speak()
    use_threads_of(run)
    evaluate_again(experiment(run, overrides, own_code(run, given)), run)
    return DONE


def resume(words: list[str]) -> int:
    """Continue an interrupted run in its own folder."""
    run, overrides, given = run_and_overrides(words, "resume")
    refuse_others("resume", overrides, PLACE_OVERRIDES)
    from cifar_lab.cli.process import listening, speak, use_threads_of
    from cifar_lab.recipe import launch

    speak()
    if run.folder.last_checkpoint.is_file():
        use_threads_of(run)
    launch.resume(run, overrides, own_code(run, given), listening)
    return DONE


def rerun(words: list[str]) -> int:
    """Run a run's saved configuration again, with changes."""
    run, overrides, given = run_and_overrides(words, "rerun")
    from cifar_lab.cli.process import listening, speak
    from cifar_lab.recipe import launch

    speak()
    composer, found, dropped = launch.rerun(run, overrides, given)
    if dropped:
        print(f"dropped overrides of the earlier run: {shlex.join(dropped)}")
    command = shlex.join(["cifar-lab", "rerun", str(run.folder.path), *overrides])
    launch.start(composer, found, launch.built(found), command, listening)
    return DONE


def ls(words: list[str]) -> int:
    """List runs, by name and then by time."""
    if len(words) > 1 or any(word.startswith("-") for word in words):
        raise Refusal("`cifar-lab ls` accepts no flags and at most one part of a path")
    runs = list(find_runs(OUTPUTS))
    part = words[0] if words else ""
    fitting = [run for run in runs if part in run.folder.path.as_posix()]
    if not runs:
        print(f"no runs in {OUTPUTS}/; start one with `cifar-lab train experiments=digits`")
    elif not fitting:
        print(
            f"no run has {part!r} in its path; `cifar-lab ls` lists all runs in {OUTPUTS}/ "
            f"({len(runs)})"
        )
    else:
        rows = [(run.folder.path.as_posix(), run.state, *_results(run)) for run in fitting]
        print("\n".join(aligned([HEADINGS, *rows])))
    return DONE


def record(words: list[str]) -> int:
    """Add runs to ``experiments/results/``, and write the ledger and the studies page."""
    from cifar_lab.cli.process import speak
    from cifar_lab.recipe.verify import refuse_faulty
    from cifar_lab.report.pages.studies import write_studies
    from cifar_lab.results.ledger import record_runs, recording

    speak()
    words, given = code_flags(words, "record")
    experiments = Path("experiments")
    with recording(experiments):
        runs = [named_run(word) for word in words]
        refuse_faulty(runs, given)
        ledger = record_runs(runs, experiments)
        page = write_studies(experiments)
    print(f"ledger: {ledger}")
    if page is not None:
        print(f"studies: {page}")
    return DONE


def refuse_others(verb: str, overrides: list[str], allowed: tuple[str, ...]) -> None:
    """Refuse overrides that would change the experiment that a run recorded."""
    others = [text for text in overrides if not text.startswith(allowed)]
    if others:
        raise Refusal(
            f"`cifar-lab {verb}` accepts only {', '.join(allowed)}, got {others[0]}; use "
            "`cifar-lab rerun` to run it again with other values"
        )


def _results(run: Run) -> tuple[str, str, str, str]:
    if not run.finished:
        return ("", "", "", "")
    try:
        result, precision = run.summary, run.provenance.precision
    except Refusal:
        return ("", "", "damaged", "")
    validation = result.validation
    return (
        f"{result.epochs_trained}/{result.epochs_planned}",
        "" if validation is None else f"{validation.accuracy:.2%}",
        f"{result.test.accuracy:.2%}",
        precision,
    )
