"""Runs what the pages for users show: every command and every block of code, in order."""

from __future__ import annotations

import re
import shlex
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from cifar_lab.cli.main import main

TOP = Path(__file__).parents[1]
#: Pages whose blocks are run; those of the others are read.
PAGES = ("runs", "your-parts", "your-data", "sweeps", "from-python", "scaling", "deploying")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: First line of a block that is the content of a file.
FILE = re.compile(r"# (?:file: )?([\w./-]+\.(?:py|yaml))$")


class Block(NamedTuple):
    """A block of code: its language and its text."""

    language: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall((TOP / "docs" / f"{page}.md").read_text())]


def commands(block: Block) -> list[list[str]]:
    """The words of each command of a block of shell."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name, laid in LAID.get(page, {}).items():
        laid(tmp_path / name)
    namespace: dict[str, Any] = {}
    runs = 0
    for block in blocks(page):
        file = FILE.match(block.text.partition("\n")[0])
        if file is not None:
            (tmp_path / file[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file[1]).write_text(block.text)
        elif block.language == "sh":
            for words in commands(block):
                runs += words[1] in ("train", "ablate")
                status = _status(words if runs < 2 else _unreported(words))
                assert status == 0, f"{shlex.join(words)}\n{capsys.readouterr().err}"
        elif block.language == "python":
            exec(compile(block.text, f"docs/{page}.md", "exec"), namespace)
        else:
            assert block.language in ("console", "text", "yaml"), block


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_that_are_not_run_name_what_exists(page):
    from cifar_lab.cli.verbs import VERBS

    for block in blocks(page):
        for words in commands(block) if block.language == "console" else []:
            assert words[0] in ("cifar-lab", "curl", "pip", "make", "python"), words
            assert words[0] != "cifar-lab" or words[1] in VERBS, words


def test_every_page_is_run_or_said_not_to_be():
    pages = {path.stem for path in (TOP / "docs").glob("*.md")}
    assert pages == {*PAGES, "benchmarks", "how-it-works"}


@pytest.mark.parametrize("page", ["README", *(f"docs/{name}" for name in PAGES)])
def test_links_lead_somewhere(page):
    path = TOP / f"{page}.md"
    for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_the_readme_takes_thirty_seconds():
    assert len((TOP / "README.md").read_text().splitlines()) <= 120


def _unreported(words: list[str]) -> list[str]:
    """Only the first run of a page draws its report: that takes as long as everything else."""
    trains = words[:2] in (["cifar-lab", "train"], ["cifar-lab", "ablate"])
    return [*words, "report.enabled=false"] if trains else words


def _status(words: list[str]) -> int:
    program, *rest = words
    if program == "cifar-lab":
        return main(rest)
    assert program in ("cd", "mkdir", "cp"), words
    if program == "mkdir":
        Path(rest[-1]).mkdir(parents=True, exist_ok=True)
    elif program == "cp":
        shutil.copy(*rest)
    return 0


def _photos(folder: Path) -> None:
    """Two classes of colour, in pictures of several sizes."""
    draw = np.random.default_rng(0)
    for split, number in (("train", 24), ("test", 8)):
        for label, name in enumerate(("cat", "dog")):
            (folder / split / name).mkdir(parents=True)
            for index in range(number):
                side = int(draw.integers(30, 60))
                pixels = draw.integers(0, 128, (side, side, 3), dtype=np.uint8)
                pixels[..., label] += 100
                Image.fromarray(pixels).save(folder / split / name / f"{index}.png")


def _fashion(folder: Path) -> None:
    """Files of Fashion-MNIST, as torchvision downloads and unpacks them, with noise for images."""
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for split, number in (("train", 200), ("t10k", 50)):
        images = draw.integers(0, 256, (number, 28, 28), dtype=np.uint8)
        labels = (np.arange(number) % 10).astype(np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">{1 + array.ndim}i", 0x0800 + array.ndim, *array.shape)
            (raw / f"{split}-{kind}-ubyte").write_bytes(header + array.tobytes())


#: What lies beside a page's commands, before the first of them.
LAID: dict[str, dict[str, Callable[[Path], None]]] = {
    "your-data": {"photos": _photos, "fashion": _fashion}
}
