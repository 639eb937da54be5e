"""``app``: a network in a browser, or the folder of a Hugging Face Space with it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_lab.cli.arguments import code_flags, runs_and_overrides
from cifar_lab.cli.flags import LAST_PORT, Parser, Range, numbers
from cifar_lab.cli.runs import PLACE_OVERRIDES, refuse_others
from cifar_lab.cli.terminal import say
from cifar_lab.cli.verbs import DONE
from cifar_lab.refusal import Refusal, missing_packages

if TYPE_CHECKING:
    from cifar_lab.deploy.bundle import Bundle
    from cifar_lab.deploy.contents import Contents
    from cifar_lab.own_code import Given
    from cifar_lab.run.record import Run

#: What the extra installs that the app needs.
PACKAGES = ("fastapi", "gradio", "uvicorn")


def app(words: list[str]) -> int:
    """Serve the app until Ctrl-C or SIGTERM, or write a Space."""
    words, given = code_flags(words, "app")
    flags = _parsed(words)
    from cifar_lab.cli.classifiers import named
    from cifar_lab.deploy.bundle import Bundle
    from cifar_lab.deploy.writing import is_taken, taken

    folder = None if flags.export_space is None else Path(flags.export_space)
    if folder is not None and is_taken(folder):
        raise Refusal(taken(folder, "--export-space"))
    subject = named(flags.subject)
    if isinstance(subject, Bundle):
        _refuse_overrides(flags.overrides)
    refuse_others("app", flags.overrides, PLACE_OVERRIDES)
    if folder is not None:
        return _export(subject, given, flags.overrides, folder)
    return _serve(subject, given, flags)


def _refuse_overrides(overrides: list[str]) -> None:
    """Refuse overrides beside a bundle."""
    if overrides:
        raise Refusal(f"a bundle has no configuration to override: leave out {overrides[0]}")


def _serve(subject: Run | Bundle, given: Given, flags: argparse.Namespace) -> int:
    from cifar_lab.cli.classifiers import classifier_of
    from cifar_lab.cli.process import listening as handling_signals
    from cifar_lab.deploy.app.answers import Answers
    from cifar_lab.deploy.app.serving import LOCAL, PORTS, run, server
    from cifar_lab.deploy.listening import address_of, listening

    ports = PORTS if flags.port is None else [flags.port]
    with handling_signals(), listening(LOCAL, ports) as listener:
        address = address_of(listener)

        def ready() -> None:
            say(f"app: {address} (Ctrl-C ends it)")
            if flags.open:
                import webbrowser

                webbrowser.open(address)

        contents = _contents(subject, given, flags.overrides)
        answers = Answers(classifier_of(subject, given), contents)
        run(server(answers, ready=ready), listener)
    return DONE


def _contents(subject: Run | Bundle, given: Given, overrides: list[str]) -> Contents:
    from cifar_lab.deploy.bundle import Bundle
    from cifar_lab.deploy.contents import contents_of

    if isinstance(subject, Bundle):
        return contents_of(subject)
    from cifar_lab.recipe.contents import contents_of_run
    from cifar_lab.recipe.open import code_of, experiment

    return contents_of_run(experiment(subject, overrides, code_of(subject, given)), subject)


def _export(subject: Run | Bundle, given: Given, overrides: list[str], folder: Path) -> int:
    from cifar_lab.deploy.bundle import Bundle
    from cifar_lab.deploy.opening import open_bundle
    from cifar_lab.deploy.space import write_space

    if isinstance(subject, Bundle):
        if subject.description.modules and not given.trusted:
            raise Refusal(
                f"{subject.path} has Python files of its own, which the Space would run: add "
                "--trust if you trust whoever made the bundle"
            )
        open_bundle(subject, given.trusted)  # as the Space will, which would fail far from here
        write_space(folder, subject)
    else:
        with tempfile.TemporaryDirectory() as place:
            write_space(folder, _exported(subject, given, overrides, Path(place) / "bundle"))
    say(f"Space: {folder}; `python {folder / 'app.py'}` serves it here")
    return DONE


def _exported(run: Run, given: Given, overrides: list[str], place: Path) -> Bundle:
    """Export a run to a bundle for a while."""
    from cifar_lab.cli.process import use_threads_of
    from cifar_lab.deploy.bundle import read_bundle
    from cifar_lab.recipe.exporting import export
    from cifar_lab.recipe.open import code_of, experiment

    use_threads_of(run)
    *lines, _ = export(experiment(run, overrides, code_of(run, given)), run, place)
    say("\n".join(lines))
    return read_bundle(place)


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser("app")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--port")
    parser.add_argument("--export-space")
    parser.add_argument("--open", action="store_true")
    flags = parser.parse_intermixed_args(words)
    subjects, flags.overrides = runs_and_overrides(flags.words)
    problems = []
    if len(subjects) != 1:
        problems.append(f"`cifar-lab app` needs one RUN or BUNDLE, got {len(subjects)}")
    given = flags.port is not None
    problems += numbers(flags, {"--port": Range(int, 1, LAST_PORT)})
    if flags.export_space is not None and (given or flags.open):
        problems.append("--export-space serves nothing: leave out --port and --open")
    problems += missing_packages("`cifar-lab app`", PACKAGES, "app")
    if problems:
        raise Refusal(problems)
    flags.subject = subjects[0]
    return flags
