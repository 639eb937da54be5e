from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from tests.made import a_run

PROGRAM = Path(sys.executable).with_name("cifar-lab")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cifar-lab tr", {"train"}),
        ("cifar-lab re", {"report", "resume", "rerun", "record", "restore"}),
        ("cifar-lab t", {"train", "tag"}),
        ("cifar-lab note lat", {"latest"}),
        ("cifar-lab tag latest lat", set()),
        ("cifar-lab find-lr lr_finder.su", {"lr_finder.suggestion="}),
        ("cifar-lab show sch", {"schedule"}),
        ("cifar-lab train model=res", {"model=resnet18", "model=resnet18_8x8"}),
        ("cifar-lab train trainer.ep", {"trainer.epochs="}),
        ("cifar-lab check dataset=dig", {"dataset=digits"}),
        ("cifar-lab resume lat", {"latest"}),
        ("cifar-lab export lat", {"latest"}),
        ("cifar-lab compare latest be", {"best"}),
        ("cifar-lab rerun latest trainer.ep", {"trainer.epochs="}),
        ("cifar-lab report latest report.mis", {"report.misclassified="}),
        ("cifar-lab show schedule trainer.ep", {"trainer.epochs="}),
    ],
)
def test_the_shell_is_answered(line, expected, monkeypatch, capsys):
    monkeypatch.setenv("COMP_LINE", line)
    assert main(["-sc", "query=bash"]) == 0
    assert set(capsys.readouterr().out.split()) == expected


def test_runs_sweeps_and_the_trash_are_completed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("sweep/0", "alone", ".trash/gone/run"):
        a_run(Path("outputs", name))
    Path("outputs/sweep/sweep.json").write_text("{}")
    for line, expected in (
        ("cifar-lab eval outputs/", {"outputs/alone", "outputs/sweep/0"}),
        ("cifar-lab rm latest outputs/s", {"outputs/sweep", "outputs/sweep/0"}),
        ("cifar-lab prune outputs/alone outputs/s", {"outputs/sweep/0"}),
        ("cifar-lab restore ", {"gone/run"}),
    ):
        monkeypatch.setenv("COMP_LINE", line)
        assert main(["-sc", "query=bash"]) == 0
        assert set(capsys.readouterr().out.split()) == expected, line


@pytest.mark.skipif(not PROGRAM.exists(), reason="needs the installed command")
def test_bash_completes_with_what_is_installed():
    script = (
        f'PATH="{PROGRAM.parent}:$PATH"; eval "$(cifar-lab -sc install=bash)"; '
        'COMP_LINE="cifar-lab train optimizer=ada"; COMP_WORDS=($COMP_LINE); COMP_CWORD=2; '
        "COMP_POINT=${#COMP_LINE}; hydra_bash_completion; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=dict(os.environ)
    )
    assert set(done.stdout.split()) == {"optimizer=adam", "optimizer=adamw"}, done.stderr
