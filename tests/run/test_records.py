"""Tests that the metrics of a run agree with its checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
import torch
from torch import nn

from cifar_lab.engine.hooks import Row
from cifar_lab.engine.state import TrainingState
from cifar_lab.refusal import Refusal
from cifar_lab.run.checkpoint import load_checkpoint
from cifar_lab.run.claim import claim
from cifar_lab.run.files import write_atomically
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.manifest import Manifest, write_manifest
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.records import Recorder, completed_rows, log
from cifar_lab.run.store import Store

CPU = torch.device("cpu")


def test_each_epoch_adds_a_row_and_replaces_the_last_checkpoint(folder):
    recorder, state = begun(folder)
    for epoch in (1, 2, 3):
        end_epoch(recorder, state, is_best=epoch == 2)
        assert [row["epoch"] for row in read_metrics(folder.metrics)] == list(range(1, epoch + 1))
        assert saved_epoch(folder.last_checkpoint) == epoch
    assert saved_epoch(folder.best_checkpoint) == 2


def test_in_the_background_the_same_is_written_of_the_epoch_that_ended(folder, tmp_path):
    written = []
    for in_background in (False, True):
        place = made(RunFolder(tmp_path / str(in_background)))
        recorder, state = begun(place)
        recorder = Recorder(Store(place), in_background)
        for epoch in (1, 2):
            with torch.no_grad():
                state.model.weight.fill_(epoch)
            end_epoch(recorder, state, is_best=epoch == 1)
        with torch.no_grad():
            state.model.weight.fill_(9)  # training continues
        recorder.on_fit_end()
        states = [
            load_checkpoint(p, CPU, Store(place))
            for p in (place.best_checkpoint, place.last_checkpoint)
        ]
        written.append(
            (read_metrics(place.metrics), [s["model"]["weight"].tolist() for s in states])
        )
    assert written[0] == written[1]
    assert written[0][1] == [[[1.0, 1.0]] * 2, [[2.0, 2.0]] * 2]


def test_a_failed_write_in_the_background_is_raised(folder, monkeypatch):
    def full(*_, **__):
        raise OSError("no space left on device")

    recorder, state = begun(folder)
    recorder = Recorder(Store(folder), in_background=True)
    monkeypatch.setattr("cifar_lab.run.records.write_hashed", full)
    end_epoch(recorder, state, is_best=True)
    with pytest.raises(OSError, match="no space left"):
        end_epoch(recorder, state, is_best=True)


def test_there_is_no_best_checkpoint_before_a_best_epoch(folder):
    recorder, state = begun(folder)
    end_epoch(recorder, state, is_best=False)
    assert not folder.best_checkpoint.exists()


def test_a_run_that_starts_drops_nothing_and_writes_nothing(folder):
    begun(folder)
    assert not any(folder.path.iterdir())


def test_a_resumed_run_adds_rows_to_those_of_the_completed_epochs(folder):
    recorder, state = begun(folder)
    for _ in range(3):
        end_epoch(recorder, state, is_best=False)
    resumed, state = begun(folder, epoch=2, rows=read_metrics(folder.metrics)[:2])
    end_epoch(resumed, state, is_best=False, train_loss=9.0)
    assert [row["train_loss"] for row in read_metrics(folder.metrics)] == [1.0, 2.0, 9.0]


def test_a_checkpoint_has_the_id_of_its_run_and_the_rows_of_its_epochs(folder):
    identity = claim(folder, {})
    recorder, state = begun(folder)
    for epoch in (1, 2, 3):
        end_epoch(recorder, state, is_best=epoch == 2)
    rows = read_metrics(folder.metrics)
    for path, epochs in ((folder.best_checkpoint, 2), (folder.last_checkpoint, 3)):
        saved = load_checkpoint(path, CPU, Store(folder))
        assert (saved["run"], saved["rows"]) == (identity, rows[:epochs])


def test_a_checkpoint_whose_manifest_is_lost_is_refused(folder):
    claim(folder, {})
    recorder, state = begun(folder)
    end_epoch(recorder, state, is_best=True)
    folder.manifest.unlink()
    message = f"{folder.best_checkpoint} cannot be verified: .*; restore a copy of manifest.json"
    with pytest.raises(Refusal, match=message):
        load_checkpoint(folder.best_checkpoint, CPU, Store(folder))


def test_a_checkpoint_of_another_run_is_refused_by_its_id(folder):
    identity = claim(folder, {})
    recorder, state = begun(folder)
    end_epoch(recorder, state, is_best=True)
    entries = Store(folder).manifest.files
    write_manifest(folder.manifest, Manifest.of("0" * 32, entries))
    with pytest.raises(Refusal, match=f"{folder.best_checkpoint} belongs to run {identity}, but"):
        load_checkpoint(folder.best_checkpoint, CPU, Store(folder))


@pytest.mark.parametrize("older", [False, True])
def test_only_an_older_run_has_hashes_beside_its_checkpoints(folder, older):
    claim(folder, {})
    if older:
        folder.manifest.unlink()
    recorder, state = begun(folder)
    end_epoch(recorder, state, is_best=True)
    written = {path.name for path in folder.last_checkpoint.parent.iterdir()}
    hashes = {"best.pt.sha256", "last.pt.sha256"} if older else set()
    assert written == {"best.pt", "last.pt"} | hashes
    assert saved_epoch(folder.last_checkpoint) == 1


def test_metrics_and_checkpoints_are_in_the_manifest(folder):
    claim(folder, {})
    recorder, state = begun(folder)
    for epoch in (1, 2):
        end_epoch(recorder, state, is_best=epoch == 1)
        files = Store(folder).manifest.files
        for path in (folder.metrics, folder.best_checkpoint, folder.last_checkpoint):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert files[path.relative_to(folder.path).as_posix()].sha256 == digest
        assert Store(folder).manifest.pending == {}


METRICS = "epoch,train_loss,lr\n1,1.0,0.1\n2,2.0,0.1\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (METRICS, None),
        (METRICS + "3,3.0,0.1\n", None),  # of an epoch whose checkpoint was not written any more
        (None, "is missing"),
        ("", "is missing"),
        ("epoch,train_loss,lr\n1,1.0,0.1\n", "differs"),
        (METRICS.replace("2.0", "2.5"), "differs"),
        ("not a table", "differs"),
    ],
)
def test_metrics_are_written_again_from_the_checkpoint(folder, monkeypatch, content, said):
    claim(folder, {})
    recorder, state = begun(folder)
    for _ in range(2):
        end_epoch(recorder, state, is_best=False)
    assert folder.metrics.read_text() == METRICS
    folder.metrics.unlink() if content is None else folder.metrics.write_text(content)
    warnings: list[str] = []
    monkeypatch.setattr(log, "warning", warnings.append)
    files = Store(folder)
    rows = completed_rows(files, load_checkpoint(folder.last_checkpoint, CPU, files))
    assert [row["train_loss"] for row in rows] == [1.0, 2.0]
    assert folder.metrics.read_text() == METRICS
    assert read_metrics(folder.metrics, files.read) == rows
    assert len(warnings) == (0 if said is None else 1)
    assert all(f"{folder.metrics} {said}" in warning for warning in warnings)


@pytest.mark.parametrize(
    "content", [None, METRICS.rpartition("2,")[0], METRICS.replace("1,1", "3,1")]
)
def test_metrics_that_do_not_fit_an_older_checkpoint_are_refused(folder, content):
    if content is not None:
        write_atomically(folder.metrics, content)
    with pytest.raises(Refusal, match=str(folder.metrics)):
        completed_rows(Store(folder), {"epoch": 2})


def test_metrics_that_fit_an_older_checkpoint_are_taken(folder):
    write_atomically(folder.metrics, METRICS + "3,3.0,0.1\n")
    rows = completed_rows(Store(folder), {"epoch": 2})
    assert [row["epoch"] for row in rows] == [1, 2]


def test_an_interrupted_epoch_is_saved_without_changing_the_metrics_and_the_best(folder):
    recorder, state = begun(folder)
    end_epoch(recorder, state, is_best=True)
    metrics, best = folder.metrics.read_bytes(), folder.best_checkpoint.read_bytes()
    state.batches_done = 7
    recorder.on_interrupt(state)
    saved = load_checkpoint(folder.last_checkpoint, CPU, Store(folder))
    assert (saved["epoch"], saved["batches_done"]) == (1, 7)
    assert folder.metrics.read_bytes() == metrics
    assert folder.best_checkpoint.read_bytes() == best


def test_a_checkpoint_has_the_weights_of_its_epoch(folder):
    recorder, state = begun(folder)
    for epoch in (1, 2):
        nn.init.constant_(state.model.weight, epoch)
        end_epoch(recorder, state, is_best=epoch == 1)
    for path, value in ((folder.best_checkpoint, 1), (folder.last_checkpoint, 2)):
        weights = load_checkpoint(path, CPU, Store(folder))["model"]["weight"]
        assert (weights == value).all()


@pytest.mark.parametrize("in_background", [False, True])
def test_a_folder_that_is_gone_is_not_made_again(folder, in_background):
    _, state = begun(folder)
    recorder = Recorder(Store(folder), in_background)
    folder.path.rmdir()
    with pytest.raises(FileNotFoundError, match=str(folder.path)):
        end_epoch(recorder, state, is_best=True)
        recorder.on_fit_end()
    with pytest.raises(FileNotFoundError, match=str(folder.path)):
        recorder.on_interrupt(state)
    assert not folder.path.exists()


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return made(RunFolder(tmp_path / "run"))


def made(folder: RunFolder) -> RunFolder:
    folder.path.mkdir()
    return folder


def begun(
    folder: RunFolder, epoch: int = 0, rows: Sequence[Row] = ()
) -> tuple[Recorder, TrainingState]:
    """A recorder of a run that starts, or resumes, after an epoch."""
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    state = TrainingState(model, optimizer, None, torch.device("cpu"))
    state.epoch = epoch
    recorder = Recorder(Store(folder), in_background=False, rows=rows)
    recorder.on_fit_start(state, epochs=10, batches=5)
    return recorder, state


def end_epoch(recorder: Recorder, state: TrainingState, is_best: bool, **metrics: float) -> None:
    """Ends an epoch as the trainer does; the loss is the number of the epoch."""
    state.begin_next_epoch(epoch_seconds=1.0)
    row = row_of(state.epoch, **{"train_loss": float(state.epoch), **metrics})
    recorder.on_epoch_end(state, row, is_best)


def row_of(epoch: int, train_loss: float) -> dict[str, float]:
    return {"epoch": epoch, "train_loss": train_loss, "lr": 0.1}


def saved_epoch(path) -> int:
    return load_checkpoint(path, CPU, Store(RunFolder(path.parents[1])))["epoch"]
