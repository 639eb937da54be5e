"""The wheel holds everything and works from another folder, without the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    work = tmp_path_factory.mktemp("wheel")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, work)
    for name in ("cifar_lab", "conf", "experiments", "hydra_plugins"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(TOP / name, work / name, symlinks=True, ignore=ignore)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(work)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (work / "dist").glob("*.whl")
    return built


def test_every_module_group_and_experiment_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {p.relative_to(TOP).as_posix() for p in (TOP / "cifar_lab").rglob("*.py")}
    templates = {p.relative_to(TOP).as_posix() for p in (TOP / "cifar_lab").rglob("templates/*")}
    groups = {f"cifar_lab/{p.relative_to(TOP).as_posix()}" for p in (TOP / "conf").rglob("*.yaml")}
    experiments = {
        f"cifar_lab/conf/experiments/{p.name}" for p in (TOP / "experiments").glob("*.yaml")
    }
    assert modules | templates | groups | experiments | {"cifar_lab/py.typed"} <= names
    faces = {p.relative_to(TOP).as_posix() for p in (TOP / "cifar_lab").rglob("*.pyi")}
    assert faces
    assert faces <= names
    assert not any("experiments/results" in n or n.startswith("tests") for n in names)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of programs of an environment that has the wheel, but not the checkout."""
    environment = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(environment)
    python = environment / "bin" / "python"
    # The libraries of this environment, but not its installed checkout: .pth files of a folder
    # that a .pth file names are not read.
    site = Path(
        _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    pip = ["-m", "pip", "--python", str(python), "install", "--no-deps", "-q"]
    _run(Path(sys.executable), *pip, str(wheel))
    return environment / "bin"


def test_the_installed_command_works_from_another_folder(installed, tmp_path):
    where = _run(
        installed / "python", "-c", "import cifar_lab; print(cifar_lab.__file__)", cwd=tmp_path
    )
    assert str(installed.parent) in where
    command = installed / "cifar-lab"
    composed = _run(command, "train", "--cfg", "job", "experiments=digits", cwd=tmp_path)
    assert "name: digits" in composed
    checked = _run(command, "check", "experiments=digits", "model.width=4", cwd=tmp_path)
    assert "this configuration would run" in checked


@pytest.mark.slow
def test_a_project_of_ones_own_runs_from_another_folder(installed, tmp_path):
    command, work = installed / "cifar-lab", tmp_path / "elsewhere"
    project = shutil.copytree(TOP / "examples", tmp_path / "project")
    work.mkdir()
    short = ["trainer.epochs=2", "report.enabled=false", "trainer.workers=2"]
    words = ["experiments=shapes", "--config-dir", str(project / "conf"), *short]
    _run(command, "train", *words, cwd=work)
    for verb in ("eval", "report", "rerun"):
        _run(command, verb, "latest", cwd=work)
    columns = next(work.glob("outputs/shapes/*/*/metrics.csv")).read_text().partition("\n")[0]
    assert "weight_norm" in columns
    _run(command, "train", "-m", *words, "model.width=4,8", cwd=work)
    assert len(list(work.glob("outputs/shapes/*/*/leaderboard.csv"))) == 1
    # Where one stands beside it, its conf/ is found by itself.
    _run(command, "check", "experiments=shapes", cwd=project)


def _run(program: Path, *words: str, cwd: Path | None = None) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(program), *words], capture_output=True, text=True, cwd=cwd, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
