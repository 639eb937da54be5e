"""``new`` and ``cp`` as people type them: what they write trains as it is."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.config.new_part import GROUPS
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run

QUICK = [
    "trainer.epochs=1", "trainer.limit_batches=2", "trainer.batch_size=64", "device=cpu",
    "trainer.precision=float32", "report.enabled=false", "trainer.workers=0",
]  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr("cifar_lab.own_code._PERMITTED", [])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tried(printed: str) -> list[str]:
    """The words of the command to try, without the program."""
    (line,) = [line for line in printed.splitlines() if line.startswith("try: ")]
    return shlex.split(line.removeprefix("try: "))[1:]


@pytest.mark.parametrize("kind", ["model", "criterion", "augmentation", "hook", "experiment"])
def test_what_is_written_trains_by_the_command_that_is_printed(kind, here, capsys):
    name = f"own_{kind}_1"
    assert main(["new", kind, name]) == 0
    printed = capsys.readouterr().out
    assert f"wrote conf/{GROUPS[kind]}/{name}.yaml" in printed
    small = [] if kind in ("model", "experiment") else ["model.width=4"]
    assert main([*tried(printed), *QUICK, *small]) == 0
    run = Run(RunFolder((here / "outputs" / "latest").resolve()))
    assert run.state == "done"
    if kind == "hook":
        assert run.metrics[0][f"{name}_norm"] > 0
        assert (run.folder.path / "hooks" / name / "result.txt").read_text() == "epochs: 1\n"
    if kind == "model":
        assert run.config["model"]["_target_"] == f"{name}.OwnModel1"
        assert run.config["model"]["width"] == 32


def test_a_copy_is_used_by_the_command_that_is_printed(here, capsys):
    assert main(["cp", "model/resnet18", "conf/model/my.yaml"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("wrote conf/model/my.yaml\n")
    verb, *words = tried(printed)
    assert (verb, words) == ("train", ["model=my"])
    assert main(["train", "--cfg", "job", *words]) == 0


def test_where_the_folder_is_not_found_by_itself_the_command_names_it(here, capsys):
    assert main(["cp", "model/resnet18", "elsewhere/"]) == 0
    assert tried(capsys.readouterr().out)[-2:] == ["--config-dir", str(here / "elsewhere")]
    (here / "conf").mkdir()
    (here / "conf" / "config.yaml").write_text("")
    assert main(["new", "criterion", "mine"]) == 0
    assert tried(capsys.readouterr().out)[-2:] == ["--config-dir", str(here / "conf")]


@pytest.mark.parametrize("words", [["new"], ["new", "model"], ["cp", "x"], ["cp", "x", "y", "z"]])
def test_the_usage_is_told(words, capsys):
    assert main(words) == 2
    assert f"error: usage: cifar-lab {words[0]} " in capsys.readouterr().err
