"""What is said of two runs that were built from different files of a user's own."""

from __future__ import annotations

import hashlib

import pytest

from cifar_lab.results import differing_code as module
from cifar_lab.results.differing_code import differing_code
from cifar_lab.run.claim import claim
from cifar_lab.run.code import Code, Module
from cifar_lab.run.files import object_text
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(name: str, files: dict[str, str], copied: bool = True) -> Run:
    """A run that was built from these files, by module."""
    modules = tuple(
        Module(each, f"/x/{each}.py", hashlib.sha256(text.encode()).hexdigest())
        for each, text in files.items()
    )
    folder = RunFolder.below_current(name)
    copies = {each.copy: files[each.name].encode() for each in modules} if copied else {}
    code = object_text(Code(None, ("/x",), modules, None, None))
    claim(folder, {"code.json": code}, copies)
    return Run(folder)


def test_only_files_that_differ_are_told_line_by_line():
    first = run("a", {"net": "x = 1\ny = 2\n", "same": "z\n", "old": ""})
    second = run("b", {"net": "x = 1\ny = 3\n", "same": "z\n"})
    assert differing_code(first, second) == [
        "code/net.py: differs",
        "  --- a/code/net.py",
        "  +++ b/code/net.py",
        "  @@ -1,2 +1,2 @@",
        "   x = 1",
        "  -y = 2",
        "  +y = 3",
        "code/old.py: only in a",
    ]
    assert differing_code(second, first)[-1] == "code/old.py: only in a"
    assert differing_code(first, first) == []


def test_long_differences_are_cut_short(monkeypatch):
    monkeypatch.setattr(module, "MOST_LINES", 4)
    first = run("a", {"net": "x\n"})
    second = run("b", {"net": "".join(f"y{number}\n" for number in range(9))})
    lines = differing_code(first, second)
    assert len(lines) == 1 + 4 + 1
    assert lines[-1] == "  … 9 more lines"  # 2 names, 1 place, 1 old and 9 new lines, 4 shown


def test_without_a_copy_hashes_are_compared():
    first, second = run("a", {"net": "x\n"}, copied=False), run("b", {"net": "y\n"})
    assert differing_code(first, second) == [
        "code/net.py: differs",
        "  the runs do not both have a copy; their SHA-256 differ",
    ]


def test_an_empty_file_differs_as_well():
    lines = differing_code(run("a", {"net": ""}), run("b", {"net": "y\n"}))
    assert lines[:1] + lines[-1:] == ["code/net.py: differs", "  +y"]


def test_nothing_of_a_strangers_file_controls_the_terminal():
    lines = differing_code(run("a", {"net": "x\n"}), run("b", {"net": "\x1b[2J\n"}))
    assert not any("\x1b" in line for line in lines)
