"""``tag``, ``note``, ``rm``, ``restore`` and ``prune``: what becomes of runs that have ended."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence, Sized
from typing import NoReturn

from cifar_lab.cli.arguments import named_run
from cifar_lab.cli.verbs import DONE, FAILED, VERBS
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import object_text, write_atomically
from cifar_lab.run.find import find_run, find_runs, find_sweep
from cifar_lab.run.folder import OUTPUTS, RunFolder
from cifar_lab.run.labels import Labels
from cifar_lab.run.pruning import prune as pruned
from cifar_lab.run.pruning import resumable_files
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.run.trash import TRASH, remove, removed, size_bytes
from cifar_lab.run.trash import restore as bring_back
from cifar_lab.wording import aligned, plural, size

DELETE = f"delete for good with `rm -r {OUTPUTS / TRASH}`"


def tag(words: list[str]) -> int:
    """Add a tag to a run, remove one, or print all."""
    parser = _Parser("tag")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("word", metavar="WORD", nargs="?")
    parser.add_argument("--remove", action="store_true")
    flags = parser.parse_intermixed_args(words)
    run = _one(flags.run, "tag")
    labels = run.labels
    if flags.word is None:
        if flags.remove:
            raise Refusal("--remove needs the tag to remove: `cifar-lab tag RUN --remove WORD`")
    else:
        labels = labels.untagged(flags.word) if flags.remove else labels.tagged(flags.word)
        _label(run, labels)
    print(f"{run.folder.path}: {'tags: ' + ', '.join(labels.tags) if labels.tags else 'no tags'}")
    return DONE


def note(words: list[str]) -> int:
    """Replace a run's note, or print it. All words after the run are the note."""
    if not words:
        raise Refusal(f"which run? usage: `cifar-lab {VERBS['note'].usage}`")
    sweep = find_sweep(OUTPUTS, words[0])
    if sweep is not None:
        return _note_of_sweep(sweep, " ".join(words[1:]).strip())
    run = _one(words[0], "note")
    if len(words) == 1:
        text = run.labels.note
        print("".join(c for c in text if c.isprintable() or c in "\n\t") or "no note")
        return DONE
    labels = run.labels.noted(" ".join(words[1:]).strip())
    _label(run, labels)
    print(f"{run.folder.path}: {'noted' if labels.note else 'the note was removed'}")
    return DONE


def _note_of_sweep(sweep: SweepFolder, text: str) -> int:
    if text:
        write_atomically(sweep.note, text + "\n")
        print(f"{sweep.path}: noted")
    else:
        print(sweep.note.read_text().strip() if sweep.note.is_file() else "no note")
    return DONE


def rm(words: list[str]) -> int:
    """Move runs or whole sweeps to the trash."""
    parser = _Parser("rm")
    parser.add_argument("runs", metavar="RUN", nargs="+")
    folders = _all_named(parser.parse_args(words).runs)
    moved = remove(OUTPUTS, folders)
    for here, there in moved.items():
        print(f"moved {here} to {there}")
    places = [str(there.relative_to(OUTPUTS / TRASH)) for there in moved.values()]
    print(f"bring back with `cifar-lab restore {shlex.join(places)}`; {DELETE}")
    return DONE


def restore(words: list[str]) -> int:
    """Move runs or whole sweeps back from the trash; without any, list what is there."""
    parser = _Parser("restore")
    parser.add_argument("runs", metavar="RUN", nargs="*")
    flags = parser.parse_args(words)
    if not flags.runs:
        print("\n".join(_in_the_trash()))
    else:
        for path in bring_back(OUTPUTS, flags.runs):
            print(f"restored {path}")
    return DONE


def prune(words: list[str]) -> int:
    """Delete the checkpoints that only an unfinished run needs, after asking."""
    parser = _Parser("prune")
    parser.add_argument("runs", metavar="RUN", nargs="*")
    parser.add_argument("--keep", choices=["best"], default="best")
    parser.add_argument("--yes", action="store_true")
    flags = parser.parse_intermixed_args(words)
    named = [_finished(word) for word in flags.runs]
    found = {run: resumable_files(run) for run in named or find_runs(OUTPUTS)}
    found = {run: paths for run, paths in found.items() if paths}
    if not found:
        print("nothing to free: no finished run has a checkpoint besides its best one")
        return DONE
    sizes = [sum(path.stat().st_size for path in paths) for paths in found.values()]
    names = [run.folder.path.as_posix() for run in found]
    print("\n".join(aligned([*zip(names, map(size, sizes), strict=True)], right_from=1)))
    if not _agreed(f"delete checkpoints/last.pt of {_runs(found)} ({size(sum(sizes))})", flags.yes):
        print("nothing was deleted")
        return DONE
    return _prune(list(found))


def _prune(runs: Sequence[Run]) -> int:
    freed = []
    for run in runs:
        try:
            freed.append(pruned(run))
        except (Refusal, OSError) as error:
            print(f"error: {error}; its last.pt was kept", file=sys.stderr)
    print(f"freed {size(sum(freed))} of {_runs(freed)}; their best checkpoints were kept")
    return DONE if len(freed) == len(runs) else FAILED


class _Parser(argparse.ArgumentParser):
    """Of a verb; a mistake is refused with the verb's usage."""

    def __init__(self, verb: str) -> None:
        super().__init__(add_help=False, allow_abbrev=False)
        self._usage = VERBS[verb].usage

    def error(self, message: str) -> NoReturn:
        raise Refusal(f"{message}; usage: `cifar-lab {self._usage}`")


def _one(word: str, verb: str) -> Run:
    """Find the run to label.

    Raises:
        Refusal: it is a sweep.
    """
    sweep = find_sweep(OUTPUTS, word)
    if sweep is not None:
        raise Refusal(
            f"{sweep.path} is a sweep, and only runs have tags; `cifar-lab {verb}` its jobs one by "
            f"one: `cifar-lab ls {sweep.path}` lists them"
        )
    return named_run(word)


def _label(run: Run, labels: Labels) -> None:
    if run.state == "running":
        raise Refusal(f"{run.folder.path} is still running; tag it or note it when it has ended")
    run.files.write({run.folder.labels: object_text(labels)})


def _all_named(words: Sequence[str]) -> list[RunFolder | SweepFolder]:
    """Find every run or sweep that is named, each once.

    Raises:
        Refusal: with the problems of all words.
    """
    found: dict[RunFolder | SweepFolder, None] = {}
    problems: list[str] = []
    for word in words:
        try:
            found[find_sweep(OUTPUTS, word) or find_run(OUTPUTS, word).folder] = None
        except Refusal as refusal:
            problems += refusal.problems
    if problems:
        raise Refusal(problems)
    return list(found)


def _finished(word: str) -> Run:
    run = named_run(word)
    if run.state != "done" or not run.finished:
        raise Refusal(
            f"{run.folder.path} is not done but {run.state}: it needs its last checkpoint to be "
            "resumed; move it to the trash with `cifar-lab rm` if it is not to be finished"
        )
    return run


def _in_the_trash() -> list[str]:
    folders = removed(OUTPUTS)
    if not folders:
        return [f"{OUTPUTS / TRASH} is empty"]
    sizes = [size_bytes(folder.path) for folder in folders]
    rows = [
        (folder.path.relative_to(OUTPUTS / TRASH).as_posix(), size(count))
        for folder, count in zip(folders, sizes, strict=True)
    ]
    closing = f"{size(sum(sizes))} in all; bring one back with `cifar-lab restore RUN`; {DELETE}"
    return [*aligned(rows, right_from=1), closing]


def _agreed(what: str, yes: bool) -> bool:
    """Ask on the terminal whether to do something that cannot be undone.

    Raises:
        Refusal: there is no terminal to ask on.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise Refusal(f"asking whether to {what} needs a terminal; add --yes to do it unasked")
    try:
        return input(f"{what}? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _runs(runs: Sized) -> str:
    return plural(len(runs), "run", "runs")
