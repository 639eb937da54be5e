"""``predict``: what a trained network makes of images."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_lab.cli.arguments import code_flags
from cifar_lab.cli.flags import Parser
from cifar_lab.cli.images import STDIN, images_of
from cifar_lab.cli.verbs import DONE, FAILED, REFUSED
from cifar_lab.refusal import Refusal
from cifar_lab.wording import plural

if TYPE_CHECKING:
    from cifar_lab.deploy.classifier import Classifier
    from cifar_lab.deploy.drawing import Drawing
    from cifar_lab.deploy.finding import Listed
    from cifar_lab.own_code import Given

#: Formats of rows, and precisions of the network, the usual one first.
KINDS, PRECISIONS = ("table", "json", "csv"), ("float32", "bfloat16")


def predict(words: list[str]) -> int:
    """Classify images with the network of a run or a bundle."""
    flags, given = _parsed(words)
    listed = images_of(flags.words, flags.source)
    if not listed.images:
        raise Refusal([str(each) for each in listed.failed] or "no images are named")
    _refuse_to_overwrite(flags.output, listed)
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # standard output receives rows, nothing else
        classifier = _opened(flags, given)
        drawing = _drawing(flags, classifier)
        _note(classifier, listed)
        count, failed = _classified(flags, classifier, drawing, listed, out)
    return DONE if not failed else FAILED if count else REFUSED


def _opened(flags: argparse.Namespace, given: Given) -> Classifier:
    from cifar_lab.cli.classifiers import classifier_of, named
    from cifar_lab.cli.process import speak

    speak()
    return classifier_of(named(flags.subject), given, flags.device, flags.precision)


def _drawing(flags: argparse.Namespace, classifier: Classifier) -> Drawing | None:
    if flags.explain is None:
        return None
    from cifar_lab.deploy.drawing import Drawing

    target: str | int | None = flags.target
    if flags.target not in (None, *classifier.usage.class_names) and flags.target.isdecimal():
        target = int(flags.target)
    return Drawing(classifier, flags.method, flags.layer, target)


def _note(classifier: Classifier, listed: Listed) -> None:
    """Name what is known to fail, and say what is not done."""
    for each in listed.failed:
        print(f"error: {each}", file=sys.stderr)
    if listed.hidden:
        left_out = plural(listed.hidden, "hidden file or folder", "hidden files or folders")
        print(f"note: left out {left_out}", file=sys.stderr)
    if classifier.usage.energy_limit is None:
        print(
            "note: images far from those in training are not marked: no validation images tell "
            "what is usual",
            file=sys.stderr,
        )


def _classified(
    flags: argparse.Namespace,
    classifier: Classifier,
    drawing: Drawing | None,
    listed: Listed,
    out: Any,
) -> tuple[int, int]:
    """Write rows, and return how many images were classified, and how many failed."""
    from cifar_lab.cli.classifiers import cores
    from cifar_lab.deploy.finding import Failed
    from cifar_lab.recipe.predict import Wanted
    from cifar_lab.recipe.predict import predict as answers

    wanted = Wanted(flags.format, flags.top, flags.logits, flags.output, flags.explain)
    found = answers(classifier, listed.images, wanted, drawing, cores(), _writer(out))
    count, failed = 0, len(listed.failed)
    shown = flags.output is not None or not out.isatty()
    with contextlib.closing(found), _bar(len(listed.images), shown) as (advance, tell):
        for each in found:
            if isinstance(each, Failed):
                failed += 1
                tell(f"error: {each}")
            else:
                count += each
            advance(1 if isinstance(each, Failed) else each)
    _conclude(flags, count, failed)
    return count, failed


def _writer(out: Any) -> Callable[[str], None]:
    def write(text: str) -> None:
        out.write(text)
        out.flush()

    return write


@contextlib.contextmanager
def _bar(total: int, shown: bool) -> Iterator[tuple[Callable[[int], Any], Callable[[str], Any]]]:
    """Show how many images are done; yield what advances the bar, and what writes above it."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _: None, lambda text: print(text, file=sys.stderr)
        return
    from tqdm import tqdm

    with tqdm(total=total, unit=" images", leave=False) as bar:
        yield bar.update, lambda text: bar.write(text, file=sys.stderr)


def _conclude(flags: argparse.Namespace, count: int, failed: int) -> None:
    written = [("maps", flags.explain), (flags.format, flags.output)]
    lines = [f"{what}: {place}" for what, place in written if place is not None and count]
    if failed:
        lines.append(f"classified {plural(count, 'image', 'images')}, {failed:,} failed")
    for line in lines:
        print(line, file=sys.stderr)


def _refuse_to_overwrite(output: Path | None, listed: Listed) -> None:
    if output is not None and output.exists():
        for image in listed.images:
            if isinstance(image.file, Path) and image.file.exists() and output.samefile(image.file):
                raise Refusal(f"-o {output} is one of the images; choose a new name")


def _parsed(words: list[str]) -> tuple[argparse.Namespace, Given]:
    """Parse the words; those after ``--`` are images, whatever they begin with."""
    dashes = words.index("--") if "--" in words else len(words)
    before, given = code_flags(words[:dashes], "predict")
    parser = Parser("predict")
    for flag in ("--device", "--precision", "--method", "--layer", "--target"):
        parser.add_argument(flag)
    parser.add_argument("--from", dest="source")
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--format", default=KINDS[0])
    parser.add_argument("--logits", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--explain", type=Path)
    parser.add_argument("words", nargs="*")
    flags = parser.parse_intermixed_args(before)
    flags.subject, *flags.words = [*flags.words, *words[dashes + 1 :]] or [""]
    problems = _problems(flags)
    if problems:
        raise Refusal(problems)
    return flags, given


def _problems(flags: argparse.Namespace) -> list[str]:
    found = []
    if not flags.subject or not (flags.words or flags.source):
        found.append(
            "`cifar-lab predict` needs a RUN or a bundle, and then images: files, folders, or - "
            "for standard input"
        )
    if flags.words.count(STDIN) + (flags.source == STDIN) > 1:
        found.append("- stands for standard input, which can be read once only")
    if flags.top < 1:
        found.append(f"--top {flags.top}: must be at least 1")
    if flags.format not in KINDS:
        found.append(f"--format {flags.format}: must be one of {', '.join(KINDS)}")
    if flags.logits and flags.format == "table":
        found.append("--logits belongs to --format json or csv; add one")
    if flags.precision not in (None, *PRECISIONS):
        found.append(f"--precision {flags.precision}: must be one of {', '.join(PRECISIONS)}")
    return found + _wrong_places(flags)


def _wrong_places(flags: argparse.Namespace) -> list[str]:
    found = []
    if flags.output is not None and flags.output.exists() and not flags.output.is_file():
        found.append(f"-o {flags.output} is not a file; name one, or leave it out to print rows")
    for flag in ("method", "layer", "target"):
        if getattr(flags, flag) is not None and flags.explain is None:
            found.append(f"--{flag} belongs to --explain DIR, which writes the maps; add it")
    folder = flags.explain
    if folder is not None and os.path.lexists(folder):
        if not folder.is_dir():
            found.append(f"--explain {folder} is not a directory; name a new one")
        elif any(folder.iterdir()):
            found.append(f"--explain {folder} is not empty; name a new directory")
    return found
