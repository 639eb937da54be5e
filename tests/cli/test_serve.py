"""``serve``: what it refuses, and a process that serves until it is asked to stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest

from cifar_lab.cli import serve
from cifar_lab.cli.main import main
from cifar_lab.deploy.description import Architecture, Module
from cifar_lab.deploy.server.limits import Limits
from tests.deploy.bundles import DESCRIBED, a_bundle
from tests.deploy.server.running import until
from tests.made import a_run

pytestmark = pytest.mark.extra("app")
COMMAND = [Path(sys.executable).with_name("cifar-lab"), "serve", "bundle"]
IMAGE = {"pixels": np.random.default_rng(0).integers(0, 256, (32, 32, 3)).tolist()}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(capsys, *words: str) -> list[str]:
    assert main(["serve", *words]) == 2
    return [line.removeprefix("error: ") for line in capsys.readouterr().err.splitlines()]


def test_every_wrong_flag_is_named_at_once(capsys):
    wrong = {
        "--port": "70000",
        "--batch-size": "0",
        "--batch-wait-ms": "-1",
        "--max-queue": "many",
        "--max-body-mb": "nan",
        "--grace": "inf",
        "--threads": "1.5",
    }
    assert refused(capsys, *(f"{flag}={value}" for flag, value in wrong.items())) == [
        f"name a bundle: `cifar-lab {serve.VERBS['serve'].usage}`",
        "--port 70000: must be a whole number from 0 to 65,535",
        "--batch-size 0: must be a whole number from 1 to 10,000",
        "--batch-wait-ms -1: must be a number from 0 to 10,000",
        "--max-queue many: must be a whole number from 1 to 1,000,000",
        "--max-body-mb nan: must be a number from 0.001 to 10,000",
        "--grace inf: must be a number from 0 to 86,400",
        "--threads 1.5: must be a whole number from 1 to 1,024",
    ]
    (unknown,) = refused(capsys, "bundle", "--prot", "1")
    assert unknown.startswith("unrecognized arguments: --prot")
    assert "usage: `cifar-lab serve BUNDLE" in unknown


def test_a_run_must_be_exported_first(capsys):
    a_run(Path("outputs/digits/one"))
    (said,) = refused(capsys, "one")
    assert said.startswith("one is a run, and a server needs a bundle: export it first with ")
    assert "`cifar-lab export one`" in said
    (said,) = refused(capsys, "nothing")
    assert said.startswith("nothing is not a bundle: it has no bundle.json")


def test_a_damaged_bundle_is_refused(capsys):
    (a_bundle(Path("bundle")) / "model.safetensors").write_bytes(b"x")
    (said,) = refused(capsys, "bundle", "--port", "0")
    assert "model.safetensors is not what manifest.json says" in said


def test_python_files_in_a_bundle_need_trust(capsys):
    a_bundle(
        Path("bundle"),
        {"code/mine.py": b"raise SystemError('it ran')"},
        architecture=Architecture("mine.Net", {}, own=True),
        modules=(Module("mine", "code/mine.py"),),
    )
    (said,) = refused(capsys, "bundle", "--port", "0")
    assert "is not imported: add --trust" in said


def test_a_port_in_use_is_one_message(capsys):
    a_bundle(Path("bundle"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (said,) = refused(capsys, "bundle", "--port", str(port))
    assert said.startswith(f"port {port} on 127.0.0.1 is already in use: stop the other program")


def test_a_missing_package_names_the_extra(capsys, monkeypatch):
    monkeypatch.setattr(
        "cifar_lab.refusal.find_spec", lambda name: None if name == "uvicorn" else name
    )
    assert refused(capsys, "bundle") == [
        "`cifar-lab serve` needs uvicorn, which is not installed: pip install 'cifar-lab[app]'"
    ]


def test_the_help_names_every_flag(capsys):
    assert main(["serve", "--help"]) == 0
    said = capsys.readouterr().out
    for name, value in vars(serve._parsed(["bundle"])).items():
        if name != "bundle":
            assert f"  --{name.replace('_', '-')} " in f"{said} ".replace("\n", " ")
            assert value is not None


class _Ended:
    """A server that has ended at once, with a request that was not answered."""

    unanswered = 1

    def __init__(self, *_) -> None:
        pass

    def run(self, _) -> None:
        pass


def test_threads_are_as_asked_for_and_what_was_not_answered_is_told(capsys, monkeypatch):
    monkeypatch.setattr("cifar_lab.deploy.server.serving.Server", _Ended)
    set_to = []
    monkeypatch.setattr("torch.set_num_threads", set_to.append)
    usage = replace(DESCRIBED.usage, threads=1000)  # more than there are cores
    a_bundle(Path("bundle"), usage=usage)
    assert main(["serve", "bundle", "--port", "0", "--threads", "3"]) == 1
    assert set_to == [3]
    said = capsys.readouterr()
    assert "of the evaluation" not in said.err
    assert "error: 1 request was not answered within --grace 30" in said.out


def test_the_announcement_of_a_strangers_bundle_is_one_line():
    named = SimpleNamespace(description=SimpleNamespace(name="a\nerror: \x1b[2J"))
    said = serve._announcement(named, "http://127.0.0.1:8000", Limits())
    assert said.startswith(r"serving a\nerror: \x1b[2J on http://127.0.0.1:8000 (documentation: ")
    assert said.isprintable()


class Process:
    """The command in a process of its own, and what it has printed."""

    def __init__(self, *flags: str) -> None:
        a_bundle(Path("bundle"))
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [*COMMAND, "--port", "0", "--threads", "1", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.address = self.said.split(" on ")[1].split(" ")[0]

    def ended(self) -> tuple[int, str, str]:
        """Wait for its end; its status and what it has printed since."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.mark.slow
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_what_it_has_accepted_and_ends_with_status_0(asked):
    """Clients go on asking while it stops: each gets predictions, a refusal or no connection."""
    served = Process("--batch-size", "4", "--batch-wait-ms", "50")
    assert served.said.startswith(f"serving insects on {served.address} (documentation: ")
    limits = ("up to 4 images", "up to 50 ms", "256 images", "20 MB", "256 MB", "after 30 s")
    assert [limit for limit in limits if limit not in served.said] == []
    answered, stopping = [], threading.Event()

    def ask(_: int) -> None:
        with httpx.Client(base_url=served.address, trust_env=False, timeout=60) as client:
            while True:
                try:
                    answer = client.post("/predict", json=IMAGE)
                except httpx.ConnectError:
                    assert stopping.is_set()
                    return
                except httpx.RemoteProtocolError:  # an idle connection was closed before it asked
                    assert stopping.is_set()
                    continue
                answered.append(answer.status_code)
                if answer.status_code == 503:
                    return

    with ThreadPoolExecutor(16) as clients:
        asking = [clients.submit(ask, n) for n in range(16)]
        until(lambda: len(answered) > 50)
        stopping.set()
        served.process.send_signal(asked)
        for each in asking:
            each.result(60)
    status, out, err = served.ended()
    assert (status, out, err) == (0, "every request that was accepted has been answered\n", "")
    assert set(answered) <= {200, 503}


@pytest.mark.slow
def test_requests_are_logged_only_when_asked_for():
    served = Process("--access-log")
    httpx.get(served.address + "/health", trust_env=False)
    served.process.terminate()
    status, _, err = served.ended()
    assert status == 0
    assert err.count("\n") == 1
    assert '"GET /health HTTP/1.1" 200' in err
