"""``./conf`` is found by itself, and what was made with it is read from any folder."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.record import Run

#: A network, and an augmentation step; the network stops the run once if a file ``stop`` says so.
PARTS = """
import signal
from pathlib import Path

import albumentations as A
from torch import nn

STOP = Path(__file__).with_name("stop")


class Net(nn.Module):
    def __init__(self, *, num_classes: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, width, 3, stride=4), nn.ReLU())
        self.head = nn.Linear(width, num_classes)

    def forward(self, images):
        if self.training and len(images) > 2 and STOP.exists():
            STOP.unlink()
            signal.raise_signal(signal.SIGINT)
        return self.head(self.body(images).mean((2, 3)))


class Inverted(A.ImageOnlyTransform):
    def apply(self, img, **_):
        return 255 - img
"""
QUICK = [
    "dataset=digits", "trainer.epochs=2", "trainer.limit_batches=2", "trainer.batch_size=64",
    "trainer.precision=float32", "scheduler=constant", "report.enabled=false", "device=cpu",
]  # fmt: skip
MINE = [*QUICK, "model=mine"]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """``conf/`` with a model and an augmentation beside the Python file that they name."""
    place = tmp_path_factory.mktemp("project")
    for group in ("model", "augmentation", "experiments"):
        (place / "conf" / group).mkdir(parents=True)
    (place / "own_parts_1.py").write_text(PARTS)
    (place / "conf" / "model" / "mine.yaml").write_text("_target_: own_parts_1.Net\nwidth: 4\n")
    step = "train: {inverted: {_target_: own_parts_1.Inverted, p: 0.5}}\n"
    (place / "conf" / "augmentation" / "inverted.yaml").write_text(step)
    text = "# @package _global_\ndefaults: [{override /model: mine}]\nname: trial\n"
    (place / "conf" / "experiments" / "trial.yaml").write_text(text)
    return place


@pytest.fixture(autouse=True)
def fresh(project, monkeypatch, tmp_path):
    """Each test knows as little as a new process, and keeps a private list of its own."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr("cifar_lab.own_code._PERMITTED", [])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delitem(sys.modules, "own_parts_1", raising=False)
    monkeypatch.chdir(project)


def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, in what is as good as a new process."""
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    sys.path[:] = [entry for entry in sys.path if "project" not in entry]
    monkeypatch.setattr("cifar_lab.own_code._PERMITTED", [])
    sys.modules.pop("own_parts_1", None)


def trained(project: Path, *words: str) -> RunFolder:
    assert main(["train", *MINE, *words]) == 0
    return RunFolder((project / "outputs" / "latest").resolve())


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--cfg", "job", "model=mine"],
        ["check", *MINE],
        ["check", *QUICK, "experiments=trial"],
        ["show", "model", *MINE],
        ["find-lr", *MINE, "lr_finder.steps=20"],
        ["train", "-m", *MINE, "seed=0,1", "--dry-run"],
    ],
    ids=" ".join,
)
def test_every_verb_finds_it(words, capsys):
    assert main(words) == 0
    assert "Net" in "".join(capsys.readouterr()) or words[0] in ("find-lr", "train")


def test_the_shell_completes_own_options_found_or_given(project, tmp_path, monkeypatch, capsys):
    for where, words in ((project, ""), (tmp_path, f"--config-dir {project / 'conf'} ")):
        monkeypatch.chdir(where)
        monkeypatch.setenv("COMP_LINE", f"cifar-lab train {words}model=mi")
        assert main(["-sc", "query=bash"]) == 0
        assert capsys.readouterr().out.split() == ["model=mine"]


def test_a_runs_command_repeats_it_from_another_folder(project, tmp_path, monkeypatch):
    first = trained(project)
    assert f"your own options: {project / 'conf'}\n" in first.log.read_text()
    assert f"your own files: {project / 'own_parts_1.py'}\n" in first.log.read_text()
    _program, *words = shlex.split(Run(first).provenance.command)
    assert words[-2:] == ["--config-dir", str(project / "conf")]
    elsewhere(tmp_path, monkeypatch)
    assert main(words) == 0
    again = RunFolder((tmp_path / "elsewhere" / "outputs" / "latest").resolve())
    losses = [[row["train_loss"] for row in read_metrics(run.metrics)] for run in (first, again)]
    assert losses[0] == losses[1]


def test_every_verb_reads_a_run_from_another_folder(project, tmp_path, monkeypatch, capsys):
    run = trained(project, "report.enabled=true")
    for words in (
        ["eval", str(run.path)],
        ["report", str(run.path)],
        ["explain", str(run.path), "--method", "gradcam"],
        ["rerun", str(run.path), "seed=1", "augmentation=inverted"],
        ["compare", str(run.path), str(tmp_path / "elsewhere" / "outputs" / "latest")],
    ):
        elsewhere(tmp_path, monkeypatch)
        assert main(words) == 0, capsys.readouterr().err
    again = Run(RunFolder((tmp_path / "elsewhere" / "outputs" / "latest").resolve()))
    assert list(again.config["augmentation"]["train"]) == ["inverted"]


def test_an_interrupted_run_goes_on_from_another_folder(project, tmp_path, monkeypatch):
    (project / "stop").touch()
    assert main(["train", *MINE]) == 130
    path = (project / "outputs" / "latest").resolve()
    elsewhere(tmp_path, monkeypatch)
    assert main(["resume", str(path)]) == 0
    assert Run(RunFolder(path)).state == "done"


@pytest.mark.slow
def test_a_sweeps_processes_find_it_and_it_grows_from_another_folder(
    project, tmp_path, monkeypatch
):
    where = project / "outputs" / "swept"
    words = [*MINE, "augmentation=inverted", "trainer.workers=0", f"hydra.sweep.dir={where}"]
    assert main(["train", "-m", *words, "seed=0,1", "--no-timing"]) == 0
    plan = json.loads((where / "sweep.json").read_text())
    assert plan["command"].endswith(f" --config-dir {project / 'conf'}")
    elsewhere(tmp_path, monkeypatch)
    assert main(["extend", str(where), "seed=2"]) == 0
    states = [Run(RunFolder(path.parent)).state for path in where.glob("*/summary.json")]
    assert states == ["done"] * 3


@pytest.mark.slow
def test_an_ablation_repeats_from_another_folder(project, capsys):
    where = project / "outputs" / "ablated"
    words = [f"hydra.sweep.dir={where}", "--config-dir", "conf", "--no-timing"]
    assert main(["ablate", "augmentation", *MINE, "augmentation=inverted", *words]) == 0
    command = json.loads((where / "sweep.json").read_text())["command"]
    assert command.count("--config-dir") == 1
    assert shlex.split(command)[-1] == str(project / "conf")


def test_a_run_made_without_it_is_rerun_without_it_and_says_so(
    project, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *QUICK, "model.width=4"]) == 0
    run = str((tmp_path / "outputs" / "latest").resolve())
    monkeypatch.chdir(project)
    assert main(["rerun", run, "model=mine"]) == 2
    error = capsys.readouterr().err
    assert "./conf is not used, as the run was made without it; add --config-dir conf" in error
    assert main(["rerun", run, "model=mine", "--config-dir", "conf"]) == 0


def test_own_steps_run_in_worker_processes(project):
    trained(project, "augmentation=inverted", "trainer.workers=2")


def test_another_programs_folder_is_left_out_and_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "x.yaml").write_text("")
    (tmp_path / "conf" / "config.yaml").write_text("x: 1\n")
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--cfg", "job"]) == 0
    said = capsys.readouterr()
    assert "name: default" in said.out
    assert said.err.startswith("note: ./conf has a config.yaml")
