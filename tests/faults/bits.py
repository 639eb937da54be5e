"""Damages every file of a run folder, and of the cache, in every way that happens to disks."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from cifar_lab.run.folder import RunFolder
from tests.faults.campaign import Campaign, Trial
from tests.faults.program import Answer, call
from tests.faults.runs import difference, the_run, train
from tests.made import interrupted

#: Kept open or rewritten while a run lives: nothing is computed from what they hold.
LIVE = {".lock", "run.log", "status.json"}
#: The verbs that read a run, and which of the runs: a finished one, or one that can go on.
VERBS = {"eval": "run", "report": "run", "explain": "run", "resume": "begun"}

Damage = Callable[[bytes, bytes, random.Random], bytes]


def _flipped(content: bytes, _other: bytes, draw: random.Random) -> bytes:
    bits = bytearray(content)
    bits[draw.randrange(len(bits))] ^= 1 << draw.randrange(8)
    return bytes(bits)


DAMAGES: dict[str, Damage] = {
    "one bit flipped": _flipped,
    "cut in half": lambda content, _other, _draw: content[: len(content) // 2],
    "emptied": lambda _content, _other, _draw: b"",
    "another run's": lambda _content, other, _draw: other,
}


def damaged_runs(folder: Path, seed: int) -> Iterator[Trial]:
    """Damages one file a trial and calls a verb that reads a run, the verbs in turn."""
    draw = random.Random(seed)
    for name, words in (("run", ()), ("other", ("seed=7",))):
        answer = train(folder / name, *words)
        if answer.status:
            raise RuntimeError(f"the training itself failed: {answer.text}")
    shutil.copytree(folder / "run", folder / "begun", symlinks=True)
    whole, begun, other = (the_run(folder / name) for name in ("run", "begun", "other"))
    assert whole is not None
    assert begun is not None
    assert other is not None
    interrupted(RunFolder(begun))
    unharmed = {verb: _calls(folder, verb)[0] for verb in VERBS}
    turn = itertools.cycle(VERBS)
    for path in sorted(path for path in whole.rglob("*") if path.is_file()):
        name = path.relative_to(whole)
        if str(name) in LIVE:
            continue
        for damage, spoil in DAMAGES.items():
            theirs = other / name
            content = path.read_bytes()
            if damage == "another run's" and not theirs.is_file():
                continue
            spoilt = spoil(content, theirs.read_bytes() if theirs.is_file() else b"", draw)
            if spoilt == content:
                continue
            verb = next(turn)
            if verb == "resume" and not (begun / name).is_file():
                verb = next(turn)
            answer, run = _calls(folder, verb, name, spoilt)
            fault = _silent(answer, run, name, unharmed[verb], whole)
            yield Trial(f"{name} {damage}, then {verb}", fault)


def _calls(
    folder: Path, verb: str, name: Path | None = None, content: bytes = b""
) -> tuple[Answer, Path]:
    """Calls a verb on a fresh copy of its run, with one file's content replaced."""
    here = folder / "here"
    shutil.rmtree(here, ignore_errors=True)
    shutil.copytree(folder / VERBS[verb], here, symlinks=True)
    run = the_run(here)
    assert run is not None
    if name is not None:
        (run / name).write_bytes(content)
    return call((verb, "latest"), here), run


def _silent(answer: Answer, run: Path, name: Path, unharmed: Answer, whole: Path) -> str | None:
    """Says what is wrong with an answer: a refusal must name the file, a success change nothing."""
    if unclean := answer.unclean():
        return unclean
    if answer.status == 2:
        if name.name in answer.text or str(name.parent) in answer.text:
            return None
        return f"does not name the file: {answer.last_line()}"
    if answer.status:
        return f"exit status {answer.status}: {answer.last_line()}"
    if _numbers(answer) != _numbers(unharmed):
        return f"says something else: {answer.last_line()}"
    if name.name in ("predictions.npz", "metrics.csv"):
        return None  # it was not read, or its damage would have been told
    return difference(run, whole)


def _numbers(answer: Answer) -> list[str]:
    """The words with a figure and no time in them, which a verb found out."""
    return [word for word in answer.text.split() if "%" in word]


def damaged_caches(folder: Path, seed: int) -> Iterator[Trial]:
    """Damages one file of the cache a trial and trains again."""
    draw = random.Random(seed)
    images = folder / "images"
    _write_images(images, draw)
    words = ("dataset=image_folder", f"dataset.root={images}", "dataset.resize=8")
    cache = folder / "cache"
    where = {"CIFAR_LAB_CACHE": str(cache)}
    if (answer := train(folder / "whole", *words, environment=where)).status:
        raise RuntimeError(f"the training itself failed: {answer.text}")
    expected = the_run(folder / "whole")
    assert expected is not None
    kept = folder / "kept"
    shutil.copytree(cache, kept)
    for path in sorted(path for path in kept.rglob("*") if path.is_file()):
        name = path.relative_to(kept)
        for damage, spoil in DAMAGES.items():
            content = path.read_bytes()
            if damage == "another run's" or not content:
                continue
            shutil.rmtree(cache)
            shutil.copytree(kept, cache)
            (cache / name).write_bytes(spoil(content, b"", draw))
            here = folder / "here"
            shutil.rmtree(here, ignore_errors=True)
            answer = train(here, *words, environment=where)
            run = the_run(here)
            fault = answer.unclean()
            if fault is None and (answer.status or run is None):
                fault = f"exit status {answer.status}: {answer.last_line()}"
            if fault is None and run is not None:
                fault = difference(run, expected)
            yield Trial(f"{name} {damage}", fault)


def _write_images(root: Path, draw: random.Random) -> None:
    from PIL import Image

    for split, count in (("train", 40), ("test", 10)):
        for name in ("ant", "bee"):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = draw.randbytes(8 * 8 * 3)
                Image.frombytes("RGB", (8, 8), pixels).save(root / split / name / f"{number}.png")


RUNS = Campaign(
    "damaged-runs",
    "A damaged or foreign file of a run is named, and never used.",
    "each file of a run with a bit flipped, cut in half, emptied, or taken from another run, "
    "then `eval`, `report`, `explain` or `resume`, in turn",
    damaged_runs,
)
CACHES = Campaign(
    "damaged-caches",
    "Damaged images of the cache are decoded again.",
    "each file of the cache with a bit flipped, cut in half, or emptied, then `train`",
    damaged_caches,
)
