"""Keeps the house in place: files, targets, README and comments say what is so."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from cifar_lab.cli.main import VERBS
from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight

TOP = Path(__file__).parents[1]
MODULES = sorted((TOP / "cifar_lab").rglob("*.py"))
README = (TOP / "README.md").read_text()
COMMANDS = [
    shlex.join(shlex.split(line, comments=True))
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]


def test_make_help_names_every_target_and_only_what_exists():
    makefile = (TOP / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    output = subprocess.run(
        ["make", "help"], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[0] for line in output.splitlines()} == targets
    assert targets == set(re.search(r"\.PHONY: (.*)", makefile)[1].split())  # type: ignore[index]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readmes_commands_parse(command):
    program, *words = shlex.split(command)
    if program == "make":
        assert re.search(rf"^{words[0]}:", (TOP / "Makefile").read_text(), flags=re.MULTILINE)
    elif program == "cifar-lab":
        assert words[0] in VERBS or words[0] == "--help"
        if words[0] in ("train", "check"):
            overrides = [w for w in words[1:] if not w.startswith("-") and "," not in w]
            assert preflight(Composer(), overrides).problems == []
    else:
        assert program in ("git", "cd", "eval", "pip")


def test_the_readme_has_commands():
    assert {"make quickstart", "make test"} <= set(COMMANDS)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_rooms_are_small_and_documented(module):
    text = module.read_text()
    assert text.count("\n") <= 300
    if text:
        assert ast.get_docstring(ast.parse(text))
    assert module.stem not in ("utils", "helpers", "common", "misc")


def test_tests_mirror_the_package():
    packages = {path.parent.name for path in MODULES if path.parent != TOP / "cifar_lab"}
    tested = {path.parent.name for path in (TOP / "tests").glob("*/test_*.py")}
    assert tested == packages


@pytest.mark.parametrize(
    "experiment",
    sorted((TOP / "experiments").glob("*.yaml")),
    ids=lambda path: path.stem,
)
def test_experiments_are_short_overlays_with_their_command(experiment):
    text = experiment.read_text()
    lines = [x for x in text.splitlines() if x.strip() and not x.lstrip().startswith("#")]
    assert len(lines) <= 25
    assert f"cifar-lab train experiments={experiment.stem}" in text
    assert f"\nname: {experiment.stem}\n" in text


def test_a_default_stands_once_in_yaml():
    for module in MODULES:
        room = module.relative_to(TOP / "cifar_lab").parts[0]
        if room not in ("models", "optim"):
            continue
        for node in ast.walk(ast.parse(module.read_text())):
            is_target = isinstance(node, ast.FunctionDef) and node.name in ("sgd", "adam", "adamw")
            is_init = isinstance(node, ast.FunctionDef) and node.name == "__init__"
            if is_target or (is_init and module.stem != "custom_resnet"):
                assert node.args.defaults == [], (module, node.name)


def test_the_ledger_is_what_record_would_write():
    from cifar_lab.run.ledger import read_results, render

    assert (TOP / "experiments" / "README.md").read_text() == render(
        read_results(TOP / "experiments" / "results")
    )


def test_nothing_large_and_no_pictures_are_committed():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    for name in listed:
        path = TOP / name
        assert path.suffix not in (".pt", ".npz", ".npy", ".webp", ".jpg"), name
        assert not path.is_file() or path.stat().st_size < 400_000, name
