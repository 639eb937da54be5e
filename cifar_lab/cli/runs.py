"""The verbs that work on existing runs."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_lab.cli.arguments import code_flags, named_run, run_and_overrides
from cifar_lab.cli.verbs import DONE
from cifar_lab.nodes import PLACES
from cifar_lab.refusal import Refusal
from cifar_lab.run.believed import own_code

if TYPE_CHECKING:
    from cifar_lab.run.record import Run

#: Prefixes of the overrides that say where a run's data are and which device to use.
PLACE_OVERRIDES = tuple(f"{key}=" for key in PLACES)


def report(words: list[str]) -> int:
    """Redraw a run's report; ``report.KEY=VALUE`` changes what it shows."""
    run, overrides, given = run_and_overrides(words, "report")
    refuse_others("report", overrides, ("report.", *PLACE_OVERRIDES))
    from cifar_lab.cli.process import speak
    from cifar_lab.recipe.open import code_of, experiment
    from cifar_lab.recipe.read import draw_report

    speak()
    draw_report(experiment(run, overrides, code_of(run, given)), run)
    return DONE


def evaluate(words: list[str]) -> int:
    """Recompute a run's test accuracy, or add it; ``--on`` evaluates other images."""
    words, on = _split_on(words)
    run, overrides, given = run_and_overrides(words, "eval")
    refuse_others("eval", overrides, PLACE_OVERRIDES)
    from cifar_lab.cli.process import speak, use_threads_of
    from cifar_lab.recipe.open import code_of, experiment
    from cifar_lab.recipe.read import evaluate as evaluate_again
    from cifar_lab.recipe.robustness import evaluate_on, refuse_early

    if on is not None:
        refuse_early(run, on)
    speak()
    use_threads_of(run)
    opened = experiment(run, [*overrides, "evaluate_test=true"], code_of(run, given))
    if on is None:
        evaluate_again(opened, run)
    else:
        evaluate_on(opened, run, on)
    return DONE


def resume(words: list[str]) -> int:
    """Continue an interrupted run in its own folder, or a sweep."""
    from cifar_lab.cli.sweep import named_sweep, resume_sweep

    sweep = named_sweep(words, "resume")
    if sweep is not None:
        return resume_sweep(sweep, words)
    run, overrides, given = run_and_overrides(words, "resume")
    refuse_changes(run, overrides)
    from cifar_lab.cli.process import listening, speak, use_threads_of
    from cifar_lab.recipe import launch

    speak()
    if run.folder.last_checkpoint.is_file():
        use_threads_of(run)
    launch.resume(run, overrides, own_code(run, given), listening)
    return DONE


def extend(words: list[str]) -> int:
    """Train a finished run for more epochs, as a new run; or add jobs to a sweep."""
    from cifar_lab.cli.sweep import extend_sweep, named_sweep

    sweep = named_sweep(words, "extend")
    if sweep is not None:
        return extend_sweep(sweep, words)
    run, overrides, given = run_and_overrides(words, "extend")
    from cifar_lab.cli.process import listening, speak, use_threads_of
    from cifar_lab.recipe import extending

    speak()
    if run.began:
        use_threads_of(run)
    extending.extend(run, overrides, given, listening)
    return DONE


def rerun(words: list[str]) -> int:
    """Run a run's saved configuration again, with changes."""
    run, overrides, given = run_and_overrides(words, "rerun")
    from cifar_lab.cli.process import listening, speak
    from cifar_lab.recipe import launch
    from cifar_lab.recipe.starting import say_changed_weights

    speak()
    composer, found, dropped = launch.rerun(run, overrides, given)
    if dropped:
        print(f"dropped overrides of the earlier run: {shlex.join(dropped)}")
    as_recorded = ["--as-recorded"] if given.as_recorded else []
    command = shlex.join(["cifar-lab", "rerun", str(run.folder.path), *overrides, *as_recorded])
    experiment = launch.built(found)
    say_changed_weights(experiment, run)
    recorded = run if given.as_recorded else None
    launch.start(composer, found, experiment, command, listening, recorded)
    return DONE


def record(words: list[str]) -> int:
    """Add runs and sweeps to ``experiments/results/``; write ledger, studies page and cards."""
    from cifar_lab.cli.process import speak
    from cifar_lab.recipe.verify import refuse_faulty
    from cifar_lab.report.pages.studies import write_studies
    from cifar_lab.results.cards import write_cards
    from cifar_lab.results.ledger import record_runs, recording
    from cifar_lab.results.recorded_sweeps import record_sweeps
    from cifar_lab.run.find import find_sweep
    from cifar_lab.run.folder import OUTPUTS

    speak()
    words, given = code_flags(words, "record")
    experiments = Path("experiments")
    with recording(experiments):
        sweeps = {word: find_sweep(OUTPUTS, word) for word in words}
        runs = [named_run(word) for word in words if sweeps[word] is None]
        refuse_faulty(runs, given)
        record_sweeps([s for s in sweeps.values() if s is not None], experiments / "results")
        ledger = record_runs(runs, experiments)
        page = write_studies(experiments)
        write_cards(experiments)
    print(f"ledger: {ledger}")
    if page is not None:
        print(f"studies: {page}")
    return DONE


def _split_on(words: list[str]) -> tuple[list[str], str | None]:
    """Split off what ``--on`` names; None without it."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--on", action="append", default=[])
    try:
        found, others = parser.parse_known_args(words)
    except argparse.ArgumentError as error:
        raise Refusal("--on needs a value: `--on corruptions`, or `--on DIR`") from error
    if len(found.on) > 1:
        raise Refusal(f"--on accepts one value, got {', '.join(found.on)}; evaluate one by one")
    return others, found.on[0] if found.on else None


def refuse_changes(run: Run, overrides: list[str]) -> None:
    """Refuse to continue a run with other values; say what does work."""
    others = [text for text in overrides if not text.startswith(PLACE_OVERRIDES)]
    if not others:
        return
    from cifar_lab.recipe.extending import lead, may_change

    path = run.folder.path
    again = shlex.join(["cifar-lab", "rerun", str(path), *others])
    if not all(may_change(text.partition("=")[0].lstrip("+~")) for text in others):
        instead = f"run it again with `{again}`"
    elif run.state == "done":
        instead = f"train on with `{lead(run, others)}`, or run it again with `{again}`"
    else:
        instead = (
            f"finish it first with `cifar-lab resume {path}`, then train on with "
            f"`{lead(run, others)}`; or run it again with `{again}`"
        )
    raise Refusal(
        f"{others[0]}: `cifar-lab resume` continues a run as it was planned, and accepts only "
        f"{', '.join(PLACE_OVERRIDES)}; {instead}"
    )


def refuse_others(verb: str, overrides: list[str], allowed: tuple[str, ...]) -> None:
    """Refuse overrides that would change the experiment that a run recorded."""
    others = [text for text in overrides if not text.startswith(allowed)]
    if others:
        raise Refusal(
            f"`cifar-lab {verb}` accepts only {', '.join(allowed)}, got {others[0]}; use "
            "`cifar-lab rerun` to run it again with other values"
        )
