"""A user's own Python files: from where they are imported, and what a run remembers of them."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.believed import own_code
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from tests.cli.own_files import QUICK, forget, train
from tests.made import entered


def test_a_run_is_read_again_from_where_its_code_lay(place, tmp_path, monkeypatch, capsys):
    run = train(place)
    (name,) = (file.stem for file in place.glob("net_*.py"))
    code = json.loads(run.code.read_text())
    assert code["config_dir"] == str(place / "conf")
    assert [m["name"] for m in code["modules"]] == [f"blocks_{name}", name]
    assert code["modules"][1]["file"] == str(place / f"{name}.py")
    listed = tmp_path / "state" / "cifar-lab" / "runs"
    assert listed.stat().st_mode & 0o777 == 0o600
    monkeypatch.chdir(tmp_path)  # elsewhere
    assert main(["eval", str(run.path)]) == 0
    forget(place)
    # A copy of it is the same run; without the list, it is a stranger's.
    copy = shutil.copytree(run.path, tmp_path / "copy")
    assert main(["eval", str(copy)]) == 0
    forget(place)
    moved = listed.rename(listed.with_name("elsewhere"))
    assert main(["eval", str(run.path)]) == 2
    assert "was not made by you on this machine" in capsys.readouterr().err
    assert name not in sys.modules
    assert main(["eval", str(run.path), "--config-dir", str(place / "conf")]) == 0
    forget(place)
    assert main(["eval", str(run.path), "--trust"]) == 0
    forget(place)
    moved.rename(listed)
    listed.chmod(0o666)  # others may have written to it
    assert main(["eval", str(run.path)]) == 2
    listed.chmod(0o600)
    # A changed file is used and told; a changed note of where it lies is not believed.
    capsys.readouterr()
    (place / f"blocks_{name}.py").write_text("WIDTH = 1  # changed\n")
    assert main(["eval", str(run.path)]) == 0
    assert f"blocks_{name}.py has changed since the run" in capsys.readouterr().out
    forget(place)
    code["modules"][0]["sha256"] = own_hash(place / f"blocks_{name}.py")
    run.code.write_text(json.dumps(code))
    entered(run)  # a forger would change the manifest as well
    assert main(["eval", str(run.path)]) == 2
    assert "was not made by you" in capsys.readouterr().err


def own_hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_from_the_folder_one_stands_in_and_not_inside_a_run(place, monkeypatch, capsys):
    (name,) = (file.stem for file in place.glob("net_*.py"))
    words = [w for w in QUICK if w != "model=own"]
    words += [f"model._target_={name}.Net", "model.width=4"]
    assert main(["check", *words]) == 0
    forget(place)
    inside = place / "outputs" / "x"
    inside.mkdir(parents=True)
    for file in place.glob("*.py"):
        shutil.copy(file, inside)
    monkeypatch.chdir(inside)
    capsys.readouterr()
    assert main(["check", *words]) == 2
    assert "Python files inside a run folder or outputs/ are not imp" in capsys.readouterr().err
    assert name not in sys.modules


def test_a_rerun_composes_from_the_same_options(place, tmp_path, monkeypatch):
    run = train(place)
    monkeypatch.chdir(tmp_path)
    assert main(["rerun", str(run.path), "seed=3", "model.width=5"]) == 0
    forget(place)
    again = Run(RunFolder((tmp_path / "outputs" / "latest").resolve()))
    assert again.config["model"]["width"] == 5
    assert again.is_mine
    assert own_code(again).folders


def test_a_file_with_a_packaged_options_name_is_used_and_told(place, caplog, capsys):
    (place / "conf" / "scheduler").mkdir()
    yaml = "_target_: cifar_lab.optim.Constant\nmax_lr: 0.0625\n"
    (place / "conf" / "scheduler" / "constant.yaml").write_text(yaml)
    run = Run(train(place))
    assert run.config["scheduler"]["max_lr"] == 0.0625
    assert run.provenance.replaced_options == ("scheduler/constant.yaml",)
    captured = capsys.readouterr()
    told = "files are used instead of the packaged ones of the same name: scheduler/constant.yaml"
    assert (captured.out + captured.err).count(told) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def x(:\n", "could not be imported: SyntaxError"),
        ("raise OSError('a b')\n", "could not be imported: OSError: a b"),
        ("import nothing_1\n", "could not be imported: No module named 'nothing_1'"),
        ("x = 3\n", "has no attribute 'Net'"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_message(text, message, place, capsys):
    (file,) = place.glob("net_*.py")
    file.write_text(text)
    assert main(["check", *QUICK, "--config-dir", "conf"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
