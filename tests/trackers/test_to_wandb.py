from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cifar_lab.run.folder import RunFolder
from cifar_lab.trackers import WandB
from tests.trackers.runs import ROWS, a_sent_run, goes_on, seen, trained

pytestmark = pytest.mark.extra("wandb")
BLOCK, WHOLE, LAST = 32768, 1, 4


@pytest.fixture
def tracker() -> WandB:
    return WandB(project="lab", entity=None, mode="offline", patience=60)


def read(folder: Path) -> dict[str, Any]:
    """What an offline run's file has, by wandb's own format of records."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wandb's own, of the libraries it imports
        from wandb.proto.wandb_internal_pb2 import Record
    (file,) = folder.rglob("*.wandb")
    found: dict[str, Any] = {"history": [], "summary": {}, "config": {}, "exit": None}
    for data in records(file.read_bytes()):
        record = Record.FromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found["run"] = record.run
            found["config"] |= values(record.run.config.update)
        elif kind == "history":
            found["history"].append(values(record.history.item))
        elif kind == "summary":
            found["summary"] |= values(record.summary.update)
        elif kind == "exit":
            found["exit"] = record.exit.exit_code
    return found


def records(content: bytes) -> Iterator[bytes]:
    """The records of a LevelDB log after wandb's header of 7 bytes.

    Blocks of 32 KiB hold pieces, each with its checksum, size, and a type: whole, first, middle,
    last.
    """
    assert content.startswith(b":W&B")
    position, record = 7, b""
    while position + 7 <= len(content):
        left = BLOCK - position % BLOCK
        if left < 7:
            position += left
            continue
        _, size, kind = struct.unpack_from("<IHB", content, position)
        record += content[position + 7 : position + 7 + size]
        position += 7 + size
        if kind in (WHOLE, LAST):
            yield record
            record = b""


def values(items: Any) -> dict[str, Any]:
    return {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items}


def test_an_offline_run_has_everything(tmp_path, tracker):
    view = a_sent_run(tmp_path / "run", tracker)
    trained(tracker, view)
    found = read(view.path)
    rows = found["history"]
    assert [row["_step"] for row in rows] == [1, 2, 3]
    assert [row["accuracy/val"] for row in rows] == [row["val_accuracy"] for row in ROWS]
    assert found["config"]["optimizer"]["lr"] == 0.1
    assert found["config"]["cifar_lab.command"] == "cifar-lab train seed=0"
    assert found["summary"]["result/accuracy/test"] == 0.75
    (image,) = view.path.rglob("media/images/figures/curves*.png")
    assert image.read_bytes() == (view.path / "figures" / "curves.png").read_bytes()
    assert any(key.startswith("figures/curves") for key in found["summary"])
    assert (found["run"].project, found["exit"]) == ("lab", 0)


def test_it_is_below_the_run_and_has_no_links(tmp_path, tracker, monkeypatch):
    monkeypatch.chdir(tmp_path)
    view = a_sent_run(Path("run"), tracker)
    trained(tracker, view)
    RunFolder(view.path).refuse_links()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_resumed_run_is_one_offline_run_with_every_epoch(tmp_path, tracker):
    view = a_sent_run(tmp_path / "run", tracker, "interrupted", ROWS[:2])
    tracker.on_run_start(view)
    tracker._end(view, "interrupted", 60)
    assert read(view.path)["exit"] == 130
    goes_on(RunFolder(view.path), ROWS)
    tracker.on_run_start(seen(RunFolder(view.path)))
    tracker._end(view, "failed", 60)
    found = read(view.path)
    assert [row["_step"] for row in found["history"] if "lr" in row] == [1, 2, 3]
    assert found["exit"] == 1


def test_offline_nothing_leaves_the_machine(tmp_path, tracker, no_connections):
    trained(tracker, a_sent_run(tmp_path / "run", tracker))
    no_connections()
