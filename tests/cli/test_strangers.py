"""A run folder that a stranger made: every verb reads it, and none runs what it names."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from cifar_lab.cli.main import main
from cifar_lab.recipe.open import network
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run

KEPT = Path(__file__).parents[1] / "kept_runs"
VERBS = [
    ["eval"], ["report"], ["explain"], ["explain", "--trust"], ["rerun"], ["resume"],
    ["rerun", "seed=3"], ["record"], ["eval", "--trust"], ["rerun", "--trust"],
]  # fmt: skip


class Executes:
    """Writes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> RunFolder:
    """A finished run; ``resume`` finds one that was interrupted beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "experiments").mkdir()
    for name in ("validated", "interrupted"):
        shutil.copytree(KEPT / name, tmp_path / "outputs" / name)
    return RunFolder(tmp_path / "outputs" / "validated")


def change(folder: RunFolder, **groups) -> None:
    """Changes the configuration of the run and of the interrupted one."""
    for each in (folder, RunFolder(folder.path.with_name("interrupted"))):
        config = yaml.safe_load(each.config.read_text())
        each.config.write_text(yaml.safe_dump({**config, **groups}))


def told(verb: list[str], folder: RunFolder, capsys) -> str:
    name = "interrupted" if verb[0] == "resume" else "validated"
    assert main([verb[0], str(folder.path.with_name(name)), *verb[1:]]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_pickle_that_a_step_names_is_not_loaded(verb, folder, tmp_path, capsys):
    evil = folder.path / "evil.npy"
    evil.write_bytes(pickle.dumps(Executes(str(tmp_path / "executed"))))
    step = {"_target_": "numpy.load", "file": str(evil), "allow_pickle": True}
    change(folder, augmentation={"train": {"x": step}})
    lines = [x for x in told(verb, folder, capsys).splitlines() if x.startswith("error: ")]
    assert len(lines) == 1
    assert "augmentation.train.x._target_=numpy.load: must be a public name of" in lines[0]
    assert not (tmp_path / "executed").exists()


def test_a_pickle_like_this_would_execute(tmp_path):
    """So that the test above can fail."""
    pickle.loads(pickle.dumps(Executes(str(tmp_path / "executed")))).close()
    assert (tmp_path / "executed").exists()


@pytest.mark.parametrize("verb", VERBS[:7], ids=" ".join)
@pytest.mark.parametrize("place", ["run", "code", "outputs"])
def test_a_module_that_lies_in_the_run_is_not_imported(verb, place, folder, monkeypatch, capsys):
    at = {"run": folder.path, "code": folder.path / "code", "outputs": folder.path.parent}[place]
    at.mkdir(exist_ok=True)
    (at / "evil_net_1.py").write_text("raise SystemExit('it ran')")
    change(folder, model={"_target_": "evil_net_1.Net"})
    monkeypatch.chdir(at)
    error = told(verb, folder, capsys)
    assert "model._target_=evil_net_1.Net: must be a public name of cifar_lab.models" in error
    assert "evil_net_1" not in sys.modules
    if verb[0] != "explain":
        told([*verb, "--config-dir", str(at)], folder, capsys)
    assert "evil_net_1" not in sys.modules


def test_what_a_stranger_recorded_of_modules_is_not_believed(folder, tmp_path, capsys):
    file = tmp_path / "evil_net_2.py"
    file.write_text("raise SystemExit('it ran')")
    change(folder, model={"_target_": "evil_net_2.Net"})
    code = {
        "format": 2, "config_dir": str(tmp_path), "folders": [str(tmp_path)],
        "modules": [{"name": "evil_net_2", "file": str(file), "sha256": "0" * 64}],
    }  # fmt: skip
    folder.code.write_text(json.dumps(code))
    error = told(["eval"], folder, capsys)
    assert "was not made by you on this machine" in error
    assert "--config-dir DIR, or add --trust" in error
    with pytest.raises(Refusal, match="was not made by you"):
        network(Run(folder))
    assert "evil_net_2" not in sys.modules


def test_its_options_of_hydra_are_not_replayed(folder, tmp_path, monkeypatch, capsys):
    callback = {"x": {"_target_": "os.mkdir", "path": str(tmp_path / "executed")}}
    hydra = [
        "hydra.run.dir=../../up", "+hydra.callbacks.x._target_=os.mkdir",
        f"+hydra.callbacks.x.path={tmp_path / 'executed'}", "hydra/job_logging=none",
    ]  # fmt: skip
    folder.overrides.write_text(yaml.safe_dump(["seed=0", *hydra]))
    change(folder, hydra={"callbacks": callback, "run": {"dir": "../../up"}})
    short = ["trainer.limit_epochs=1", "report.enabled=false"]
    assert main(["rerun", str(folder.path), *short]) == 0
    assert "dropped overrides of the earlier run: hydra.run.dir=../../up" in capsys.readouterr().out
    (new,) = (tmp_path / "outputs" / "validated").glob("2*/*/summary.json")
    assert Run(RunFolder(new.parent)).overrides == ["seed=0", *short]
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path.parent / "up").exists()
