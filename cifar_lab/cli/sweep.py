"""Sweeps from the command line: start, go on, add to, confirm, take pieces away."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cifar_lab.cli.arguments import (
    code_flags,
    composer_of,
    hydra_arguments,
    runs_and_overrides,
)
from cifar_lab.cli.verbs import DONE, FAILED
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import OUTPUTS

if TYPE_CHECKING:
    from cifar_lab.config.compose import Composer
    from cifar_lab.run.sweep_folder import SweepFolder
    from cifar_lab.sweeps.ended import Outcome

#: Flags of an ablation and of a confirmation, and how they are parsed.
ABLATION_FLAGS: dict[str, dict[str, Any]] = {
    "--without": {"action": "append", "default": []},
    "--add-one-in": {"action": "store_true"},
}
CONFIRMATION_FLAGS: dict[str, dict[str, Any]] = {
    "--seeds": {"type": int, "default": 5},
    "--all-within-noise": {"action": "store_true"},
    "--all-images": {"action": "store_true"},
}


def sweep(composer: Composer, flags: argparse.Namespace) -> int:
    """Train one experiment for each combination of values."""
    from cifar_lab.cli.process import speak
    from cifar_lab.config.space import Request
    from cifar_lab.sweeps.commands import sweep_command
    from cifar_lab.sweeps.start import Start, start

    speak()
    request = Request(tuple(flags.overrides), tuple(flags.sets), tuple(flags.excluded))
    command = sweep_command(composer, request)
    return _status(start(composer, Start(request, command, flags.dry_run, not flags.no_timing)))


def ablate(words: list[str]) -> int:
    """Run a baseline, and the same with each piece taken away."""
    own, rest = _split_flags(words, ABLATION_FLAGS)
    flags = hydra_arguments([*rest, "-m"])
    composer = composer_of(flags)
    from cifar_lab.cli.process import speak
    from cifar_lab.sweeps.ablation import Ablation
    from cifar_lab.sweeps.commands import ablation_command
    from cifar_lab.sweeps.start import start_ablation

    speak()
    if flags.sets or flags.excluded:
        raise Refusal("`cifar-lab ablate` accepts no --set and no --exclude; use --without")
    asked = Ablation.of(flags.overrides, own.without, own.add_one_in)
    command = ablation_command(composer, asked)
    return _status(start_ablation(composer, asked, command, flags.dry_run, not flags.no_timing))


def resume_sweep(folder: SweepFolder, words: list[str]) -> int:
    """Go on with a sweep as it was planned."""
    from cifar_lab.cli.process import speak
    from cifar_lab.sweeps.start import go_on
    from cifar_lab.sweeps.trusted import composer_of

    speak()
    others, given = code_flags(words, "resume")
    if given.as_recorded:
        raise Refusal(
            "--as-recorded uses the copies of one run; continue a job with "
            f"`cifar-lab resume {folder.path}/JOB --as-recorded`"
        )
    if len(others) > 1:
        raise Refusal(
            f"`cifar-lab resume` of a sweep accepts no overrides, got {shlex.join(others[1:])}; "
            f"its jobs stay as they were planned; add others with `cifar-lab extend {folder.path}`"
        )
    return _status(go_on(composer_of(folder, given), folder))


def extend_sweep(folder: SweepFolder, words: list[str]) -> int:
    """Add jobs to a sweep, and run them."""
    others, given = code_flags(words, "extend")
    _, overrides = runs_and_overrides(others)
    if not overrides:
        raise Refusal(
            f"`cifar-lab extend` needs values to add, e.g. cifar-lab extend {folder.path} "
            "'seed=range(3,6)'"
        )
    from cifar_lab.cli.process import speak
    from cifar_lab.sweeps.start import go_on_with
    from cifar_lab.sweeps.trusted import composer_of

    speak()
    return _status(go_on_with(composer_of(folder, given), folder, overrides))


def confirm(words: list[str]) -> int:
    """Run what a sweep chose again, and evaluate the test images."""
    own, rest = _split_flags(words, CONFIRMATION_FLAGS)
    folder = _sweep(rest, "confirm")
    others, given = code_flags(rest, "confirm")
    if len(others) > 1:
        raise Refusal(
            f"`cifar-lab confirm` accepts no overrides, got {shlex.join(others[1:])}; what the "
            "sweep chose runs as it was planned, with other seeds"
        )
    if not 1 <= own.seeds <= 1000:
        raise Refusal(f"--seeds={own.seeds}: must be between 1 and 1,000")
    from cifar_lab.cli.process import speak
    from cifar_lab.sweeps.confirming import Confirmation
    from cifar_lab.sweeps.start import start_confirmation
    from cifar_lab.sweeps.trusted import refuse_foreign

    speak()
    refuse_foreign(folder, given)
    asked = Confirmation(own.seeds, own.all_within_noise, own.all_images)
    command = shlex.join(["cifar-lab", "confirm", *words])
    return _status(start_confirmation(folder, asked, command))


def named_sweep(words: list[str], verb: str) -> SweepFolder | None:
    """Find the sweep that the first word that is no flag and no override names, if any.

    Raises:
        Refusal: several match.
    """
    from cifar_lab.run.find import find_sweep

    names, _ = runs_and_overrides(code_flags(words, verb)[0])
    found = [name for name in names if not name.startswith("-")]
    return find_sweep(OUTPUTS, found[0]) if found else None


def _sweep(words: list[str], verb: str) -> SweepFolder:
    folder = named_sweep(words, verb)
    if folder is None:
        raise Refusal(
            f"`cifar-lab {verb}` needs a SWEEP: the path of its folder, a part of it, or "
            "'latest'; `cifar-lab ls` lists them"
        )
    return folder


def _split_flags(
    words: Sequence[str], flags: dict[str, dict[str, Any]]
) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag, options in flags.items():
        parser.add_argument(flag, **options)

    def refused(message: str) -> None:
        raise Refusal(f"{message}; the flags are {', '.join(flags)}")

    parser.error = refused  # type: ignore[method-assign,assignment]
    return parser.parse_known_args(list(words))


def _status(outcome: Outcome) -> int:
    return FAILED if outcome.failed or outcome.left else DONE
