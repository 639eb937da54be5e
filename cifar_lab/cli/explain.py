"""``explain``: attribution maps of images that a run was evaluated on."""

from __future__ import annotations

import argparse
from typing import NoReturn

from cifar_lab.cli.arguments import code_flags, named_run, one_run, runs_and_overrides
from cifar_lab.cli.runs import PLACE_OVERRIDES, refuse_others
from cifar_lab.cli.verbs import DONE
from cifar_lab.refusal import Refusal


def explain(words: list[str]) -> int:
    """Explain images of a finished run, or measure how far its maps can be trusted."""
    words, given = code_flags(words, "explain")
    flags = _parsed(words)
    refuse_others("explain", flags.overrides, ("report.", *PLACE_OVERRIDES))
    run = named_run(flags.run)
    from cifar_lab.cli.process import speak
    from cifar_lab.recipe import explain as answers
    from cifar_lab.recipe.open import code_of, experiment

    speak()
    built = experiment(run, flags.overrides, code_of(run, given))
    if flags.trust:
        lines = answers.measure_trust(built, run, flags.method)
    else:
        lines = answers.explain(built, run, flags.ids, flags.layer, flags.method, flags.target)
    print("\n".join(lines))
    return DONE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refusal(
            f"{message}; usage: `cifar-lab explain RUN [--ids ID,… --layer LAYER,… --target "
            "predicted,true,difference --method METHOD,… | --trust]`"
        )


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="cifar-lab explain", add_help=False)
    for flag in ("--ids", "--layer", "--target", "--method"):
        parser.add_argument(flag, type=lambda text: text.split(","), default=[])
    parser.add_argument("--trust", action="store_true")
    parser.add_argument("words", nargs="*")
    flags = parser.parse_intermixed_args(words)
    runs, flags.overrides = runs_and_overrides(flags.words)
    flags.run = one_run(runs, "explain")
    if flags.trust and (flags.ids or flags.layer or flags.target):
        raise Refusal(
            "--trust chooses its own images, layer and targets; combine it with --method only"
        )
    if flags.trust and len(flags.method) > 1:
        raise Refusal(f"--trust accepts only one --method, got {', '.join(flags.method)}")
    return flags
