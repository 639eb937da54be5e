"""``export``: writes a run's network into a folder that stands alone."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cifar_lab.cli.arguments import code_flags, named_run, one_run, runs_and_overrides
from cifar_lab.cli.flags import Parser
from cifar_lab.cli.runs import PLACE_OVERRIDES, refuse_others
from cifar_lab.cli.verbs import DONE
from cifar_lab.refusal import Refusal, missing_packages

if TYPE_CHECKING:
    from cifar_lab.own_code import OwnCode
    from cifar_lab.run.record import Run

#: The formats, the first of which is the default.
FORMATS = (BUNDLE := "bundle", "onnx", "torch-export")


def export(words: list[str]) -> int:
    """Export a finished run."""
    words, given = code_flags(words, "export")
    flags = _parsed(words)
    refuse_others("export", flags.overrides, PLACE_OVERRIDES)
    run = named_run(flags.run)
    from cifar_lab.cli.process import speak, use_threads_of
    from cifar_lab.recipe import exporting
    from cifar_lab.recipe.open import code_of, experiment

    speak()
    use_threads_of(run)
    if flags.format != BUNDLE:
        return _other_format(run, flags, code_of(run, given))
    place = exporting.place_of(run, flags.output)
    built = experiment(run, flags.overrides, code_of(run, given))
    lines = exporting.export(built, run, place, flags.misclassified, flags.license, flags.service)
    print("\n".join(lines))
    return DONE


def _other_format(run: Run, flags: argparse.Namespace, own: OwnCode) -> int:
    from cifar_lab.deploy.formats import ENDINGS, PACKAGES
    from cifar_lab.recipe import exporting

    form = flags.format
    problems = missing_packages(f"--format {form}", PACKAGES[form], "onnx")
    problems += [
        f"{flag} belongs to a bundle; leave it out, or leave out --format {form}"
        for flag, given in (
            ("--misclassified", flags.misclassified),
            ("--license", flags.license),
            ("--service", flags.service or None),
        )
        if given is not None
    ]
    if problems:
        raise Refusal(problems)
    place = exporting.place_of(run, flags.output, ENDINGS[form])
    print("\n".join(exporting.export_format(run, form, place, own)))
    return DONE


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser("export")
    parser.add_argument("-o", "--output")
    parser.add_argument("--format", choices=FORMATS, default=BUNDLE)
    parser.add_argument("--misclassified", type=_count)
    parser.add_argument("--license")
    parser.add_argument("--service", action="store_true")
    parser.add_argument("words", nargs="*")
    flags = parser.parse_intermixed_args(words)
    runs, flags.overrides = runs_and_overrides(flags.words)
    flags.run = one_run(runs, "export")
    return flags


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a number from 0, got {text}")
    return int(text)
