"""Fixtures of the tests of the command line."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.own_files import NET, forget


@pytest.fixture
def place(tmp_path, monkeypatch, request) -> Iterator[Path]:
    """``own/`` with ``net_X.py``, ``blocks_X.py`` and ``conf/model/own.yaml``; one stands in it."""
    # Without the copies that other tests of this process have unpacked.
    monkeypatch.setattr(sys, "path", [each for each in sys.path if "cifar-lab-" not in each])
    name = f"net_{zlib.crc32(request.node.name.encode())}"
    own = tmp_path / "own"
    (own / "conf" / "model").mkdir(parents=True)
    (own / f"{name}.py").write_text(NET.replace("BLOCKS", f"blocks_{name}"))
    (own / f"blocks_{name}.py").write_text("WIDTH = 1\n")
    (own / "conf" / "model" / "own.yaml").write_text(f"_target_: {name}.Net\nwidth: 4\n")
    monkeypatch.chdir(own)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield own
    forget(own)
