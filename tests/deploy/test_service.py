"""The files of a service say what whoever reads them expects."""

from __future__ import annotations

import configparser
import dataclasses
import json
import re
import shlex
import shutil
import subprocess

import pytest
import torch

from cifar_lab import __version__
from cifar_lab.cli.serve import _parsed
from cifar_lab.deploy.server.limits import Limits
from cifar_lab.deploy.service import DOCKERFILE, UNIT, service_files
from tests.deploy.bundles import DESCRIBED

pytestmark = pytest.mark.extra("app")
FILES = service_files(DESCRIBED)


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction of a Dockerfile with its arguments, comments and line breaks aside."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(each.split()[0], each.partition(" ")[2].strip()) for each in joined.splitlines()]


def test_the_image_is_small_pinned_and_without_rights():
    found = instructions(FILES[DOCKERFILE])
    assert [word for word, _ in found] == [
        "FROM", "RUN", "RUN", "RUN", "COPY", "USER", "ENV", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK",
        "CMD",
    ]  # fmt: skip
    said = dict(found)
    assert said["FROM"] == "python:3.12-slim"
    runs = [text for word, text in found if word == "RUN"]
    assert "--index-url https://download.pytorch.org/whl/cpu " in runs[0]
    assert f"torch=={torch.__version__.split('+')[0]} torchvision" in runs[0]
    assert f'"cifar-lab[app]=={__version__}"' in runs[1]
    assert said["USER"] == re.search(r"--uid (\d+)", runs[2])[1] != "0"  # type: ignore[index]
    assert said["COPY"] == ". /bundle"
    assert (said["EXPOSE"], said["STOPSIGNAL"]) == ("8000", "SIGTERM")


def test_the_image_serves_its_bundle_and_looks_after_itself():
    said = dict(instructions(FILES[DOCKERFILE]))
    program, verb, *words = json.loads(said["CMD"])
    assert (program, verb) == ("cifar-lab", "serve")
    flags = _parsed(words)
    assert (flags.bundle, flags.host, str(flags.port)) == ("/bundle", "0.0.0.0", said["EXPOSE"])
    check = json.loads(said["HEALTHCHECK"].partition("CMD ")[2])
    assert check[:2] == ["python", "-c"]
    compile(check[2], "check", "exec")
    assert f"http://127.0.0.1:{flags.port}/health" in check[2]


def unit(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def test_the_unit_is_hardened_and_waits_for_the_answers():
    service = unit(FILES[UNIT])["Service"]
    program, verb, *words = shlex.split(service["ExecStart"])
    assert (program.rpartition("/")[2], verb) == ("cifar-lab", "serve")
    flags = _parsed(words)
    assert (flags.host, flags.grace) == ("127.0.0.1", Limits().grace_seconds)
    assert int(service["TimeoutStopSec"]) > flags.grace + 5
    expected = {
        "Restart": "on-failure",
        "DynamicUser": "yes",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "CapabilityBoundingSet": "",
        "RestartPreventExitStatus": "2",
    }
    assert {key: service[key] for key in expected} == expected


@pytest.mark.parametrize("name", ["a\nUSER root\n", "x\nExecStart=/sh", "50% \\", "", "ü" * 300])
def test_no_name_adds_a_line(name):
    files = service_files(dataclasses.replace(DESCRIBED, name=name))
    assert [len(files[each].splitlines()) for each in files] == [
        len(FILES[each].splitlines()) for each in FILES
    ]
    assert [word for word, _ in instructions(files[DOCKERFILE])] == [
        word for word, _ in instructions(FILES[DOCKERFILE])
    ]
    assert unit(files[UNIT])["Service"] == unit(FILES[UNIT])["Service"]
    assert "%" not in files[UNIT]


def test_systemd_finds_nothing_wrong(tmp_path):
    if shutil.which("systemd-analyze") is None:
        return
    # Programs and folders that are on no other machine are looked for, too.
    program = tmp_path / "cifar-lab"
    program.touch(0o755)
    text = FILES[UNIT].replace("/opt/cifar-lab/bin/cifar-lab serve", f"{program} serve")
    file = tmp_path / UNIT
    file.write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    ours = [line for line in checked.stderr.splitlines() if UNIT in line]
    assert ours == []
