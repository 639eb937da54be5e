"""``sync``: sends runs that have ended to trackers."""

from __future__ import annotations

from cifar_lab.cli.arguments import named_run, runs_and_overrides
from cifar_lab.cli.runs import refuse_others
from cifar_lab.cli.verbs import DONE, FAILED, VERBS
from cifar_lab.refusal import Refusal
from cifar_lab.run.find import find_runs, find_sweep
from cifar_lab.run.folder import OUTPUTS
from cifar_lab.run.record import Run


def sync(words: list[str]) -> int:
    """Send runs, or all jobs of sweeps, to the trackers of their configurations or to others."""
    flags = [word for word in words if word.startswith("-")]
    named, overrides = runs_and_overrides([word for word in words if word not in flags])
    if flags or not named:
        got = f"got {flags[0]}" if flags else "and at least one of them"
        raise Refusal(f"usage: `cifar-lab {VERBS['sync'].usage}`: it accepts runs, {got}")
    refuse_others("sync", overrides, ("hooks=", "hooks."))
    runs = [run for word in named for run in _runs(word)]
    from cifar_lab.cli.process import speak
    from cifar_lab.config.compose import Composer
    from cifar_lab.recipe.sync import sync as send

    speak()
    return DONE if send(Composer(), runs, overrides) else FAILED


def _runs(word: str) -> list[Run]:
    """Return the run that a word names, or those of a sweep that have begun."""
    sweep = find_sweep(OUTPUTS, word)
    if sweep is None:
        return [named_run(word)]
    return [run for run in find_runs(sweep.path) if run.folder.metrics.is_file()]
