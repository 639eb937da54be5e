"""``app``: what it refuses before anything is loaded, and that signals end it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import cifar_lab
from cifar_lab.cli.main import main
from cifar_lab.deploy.bundle import read_bundle
from tests.deploy.app.networks import bundle

pytestmark = pytest.mark.extra("app")


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    bundle(tmp_path / "bundle")
    return tmp_path


def refused(capsys, *words: str) -> list[str]:
    assert main(["app", *words]) == 2
    return [line.removeprefix("error: ") for line in capsys.readouterr().err.splitlines()]


def test_all_mistakes_at_once(place, capsys):
    problems = refused(capsys, "a", "b", "--port", "0", "--export-space", "space", "--open")
    assert [problem.split(":")[0].split(",")[0] for problem in problems] == [
        "`cifar-lab app` needs one RUN or BUNDLE",
        "--port 0",
        "--export-space serves nothing",
    ]


@pytest.mark.parametrize("port", ["", "x", "-1", "65536", "1e3", "9" * 5000])
def test_a_port_is_a_number(place, capsys, port):
    (problem,) = refused(capsys, "bundle", f"--port={port}")
    assert "must be a whole number from 1 to 65,535" in problem


def test_a_missing_package_names_the_extra_before_anything_is_read(capsys, monkeypatch):
    monkeypatch.setattr("cifar_lab.refusal.find_spec", lambda name: None)
    (problem,) = refused(capsys, "there is none")
    assert problem == (
        "`cifar-lab app` needs fastapi, gradio and uvicorn, which are not installed: "
        "pip install 'cifar-lab[app]'"
    )


def test_a_bundle_has_no_overrides(place, capsys):
    (problem,) = refused(capsys, "bundle", "seed=3")
    assert "seed=3" in problem


def test_a_port_in_use_is_one_message(place, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert refused(capsys, "bundle", "--port", port) == [
            f"port {port} on 127.0.0.1 is already in use: stop the other program, or choose "
            f"another port, e.g. --port {int(port) + 1}"
        ]


def test_a_space_is_not_written_over_anything(place, capsys):
    (place / "space").mkdir()
    (place / "space" / "kept").touch()
    (problem,) = refused(capsys, "bundle", "--export-space", "space")
    assert "space exists already; choose another place with --export-space" in problem
    assert [each.name for each in (place / "space").iterdir()] == ["kept"]


def test_a_space_with_python_files_of_ones_own_needs_trust(place, capsys):
    from cifar_lab.deploy.description import Module
    from tests.deploy.bundles import a_bundle

    a_bundle(
        place / "own", {"code/net.py": b"import os\n"}, modules=(Module("net", "code/net.py"),)
    )
    (problem,) = refused(capsys, "own", "--export-space", "space")
    assert "add --trust" in problem
    assert not (place / "space").exists()


def test_a_bundle_that_cannot_be_opened_becomes_no_space(place, capsys):
    from cifar_lab.deploy.description import Architecture, Module
    from tests.deploy.bundles import a_bundle

    a_bundle(place / "odd", {"model.safetensors": b"none"})
    (problem,) = refused(capsys, "odd", "--export-space", "space")
    assert "model.safetensors could not be loaded" in problem
    a_bundle(
        place / "own",
        {"code/net.py": b"def ("},
        architecture=Architecture("net.Net", {}, own=True),
        modules=(Module("net", "code/net.py"),),
    )
    (problem,) = refused(capsys, "own", "--export-space", "space", "--trust")
    assert problem.startswith("architecture net.Net could not be imported: SyntaxError")
    assert not (place / "space").exists()


@pytest.mark.slow
def test_a_run_becomes_a_space_with_its_bundle(place, capsys):
    words = ("dataset=digits", "trainer.epochs=1", "trainer.limit_batches=2", "model.width=4")
    run = cifar_lab.train(*words, "report.enabled=false")
    assert main(["app", "latest", "--export-space", "space"]) == 0
    exported = read_bundle(place / "space" / "bundle").description
    assert exported.run == run.id
    assert len(exported.examples) == 10
    assert "`python space/app.py` serves it here" in capsys.readouterr().out
    assert sorted(path.name for path in place.iterdir()) == ["bundle", "outputs", "space"]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_it(place, number, status):
    command = [sys.executable, "-m", "cifar_lab", "app", "bundle"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("app: http://127.0.0.1:")
        process.send_signal(number)
        said, complained = process.communicate(timeout=60)
    assert (process.returncode, said, complained) == (status, "", "")


@pytest.mark.slow
def test_the_app_of_a_run_shows_what_its_bundle_does(place, monkeypatch):
    """Its contents are gathered from the run and its data set."""
    from cifar_lab.deploy.app import serving

    words = ("dataset=digits", "trainer.epochs=1", "trainer.limit_batches=2", "model.width=4")
    run = cifar_lab.train(*words, "report.enabled=false")
    seen = []

    monkeypatch.setattr(serving, "server", lambda answers, ready: seen.append(answers))
    monkeypatch.setattr(serving, "run", lambda _, listener: seen.append(listener.getsockname()))
    assert main(["app", "latest"]) == 0
    answers, (host, _) = seen
    assert host == "127.0.0.1"
    assert answers.contents.description.run == run.id
    assert len(answers.contents.description.examples) == 10
    assert json.dumps(answers.contents.card)
