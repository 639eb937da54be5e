"""Tests that terminal and log get the same lines, and that the progress is correct."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import warnings
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from cifar_lab.engine.state import TrainingState
from cifar_lab.run import console
from cifar_lab.run.console import Progress, logged_to, speak
from cifar_lab.run.folder import RunFolder

ROW = {
    "epoch": 3,
    "train_loss": 0.51234,
    "train_accuracy": 0.8,
    "lr": 0.012345,
    "images_per_second": 1234.5,
    "epoch_seconds": 36.46,
}
NAMES = ("cifar_lab", "py.warnings")


def test_each_line_is_printed_once_however_often_speak_is_called(capsys, caplog, own_loggers):
    speak()
    speak()
    console.log.info("once")
    logging.getLogger("cifar_lab.deeper").info("from deeper")
    assert capsys.readouterr().out == "once\nfrom deeper\n"
    assert caplog.text == ""  # nor by a handler of the root logger


def test_no_line_controls_the_terminal(capsys, own_loggers):
    """Names of classes, for one, may be a stranger's."""
    speak()
    console.log.info("most frequent confusions: \x1b[2J → \r\nnext line")
    assert capsys.readouterr().out == "most frequent confusions: \\x1b[2J → \\r\nnext line\n"


def test_debug_lines_are_in_the_log_of_the_run_and_not_printed(capsys, own_loggers, folder):
    speak()
    with logged_to(folder):
        console.log.debug("detail")
    assert capsys.readouterr().out == ""
    assert folder.log.read_text() == "detail\n"


class Out(SimpleNamespace):
    """Standard output that is no terminal, or one of 20 columns."""

    def __init__(self, write, is_terminal: bool = False) -> None:
        super().__init__(write=write, flush=lambda: None, isatty=lambda: is_terminal)


def test_lines_break_between_words_on_a_terminal_and_stay_whole_in_the_log(
    own_loggers, folder, monkeypatch
):
    speak()
    lines = []
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stdout", Out(lines.append, is_terminal=True))
    with logged_to(folder):
        console.log.info("some words that are too wide")
    assert "".join(lines) == "some words that are\n  too wide\n"
    assert folder.log.read_text() == "some words that are too wide\n"


def test_lines_go_to_where_standard_output_is_at_the_time(capsys, own_loggers, monkeypatch):
    speak()
    lines = []
    monkeypatch.setattr(sys, "stdout", Out(lines.append))
    console.log.info("redirected")
    assert "".join(lines) == "redirected\n"


def test_a_terminal_that_is_closed_costs_no_line_of_the_log(own_loggers, folder, monkeypatch):
    def gone(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    speak()
    monkeypatch.setattr(sys, "stdout", Out(gone))
    with logged_to(folder):
        console.log.info("first")
        console.log.info("second")
    assert folder.log.read_text() == "first\nsecond\n"


def test_a_log_that_cannot_be_written_is_told_once(capsys, own_loggers, folder):
    speak()
    with logged_to(folder):
        (handler,) = [h for h in console.log.handlers if isinstance(h, logging.FileHandler)]
        handler.stream.close()
        handler.stream = open("/dev/full", "w")  # noqa: SIM115  # the handler closes it
        console.log.info("first")
        console.log.info("second")
    out, err = capsys.readouterr()
    assert out == "first\nsecond\n"
    reason = os.strerror(errno.ENOSPC)
    assert err == (f"warning: {folder.log} could not be written: [Errno {errno.ENOSPC}] {reason}\n")


def test_a_link_in_place_of_the_log_is_not_followed(own_loggers, folder, tmp_path):
    mine = tmp_path / "mine"
    mine.touch()
    folder.log.symlink_to(mine)
    with pytest.raises(OSError, match="symbolic links"), logged_to(folder):
        console.log.info("line")
    assert mine.read_text() == ""


def test_warnings_of_libraries_are_printed_and_logged(capsys, own_loggers, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        speak()
        with logged_to(folder):
            warnings.warn("something is old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    assert "DeprecationWarning: something is old" in capsys.readouterr().out
    assert "DeprecationWarning: something is old" in folder.log.read_text()


def test_the_log_is_what_the_terminal_showed_in_between(capsys, own_loggers, folder):
    speak()
    console.log.info("before")
    with logged_to(folder):
        console.log.info("größer × inside")
    console.log.info("after")
    assert capsys.readouterr().out == "before\ngrößer × inside\nafter\n"
    assert folder.log.read_text(encoding="utf-8") == "größer × inside\n"


def test_a_resumed_run_appends_to_its_log(own_loggers, folder):
    speak()
    for line in ("first", "resumed"):
        with logged_to(folder):
            console.log.info(line)
    assert folder.log.read_text() == "first\nresumed\n"


def test_runs_one_after_the_other_do_not_write_into_each_other_s_log(own_loggers, tmp_path):
    speak()
    folders = [RunFolder(tmp_path / name) for name in ("a", "b")]
    for folder in folders:
        folder.path.mkdir()
        with contextlib.suppress(RuntimeError), logged_to(folder):
            console.log.info(folder.path.name)
            raise RuntimeError
    assert [folder.log.read_text() for folder in folders] == ["a\n", "b\n"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {},
            "epoch 3/10  train loss 0.5123 accuracy 80.00%  lr 0.0123  1,234 images/s, 36.5 s",
        ),
        (
            {"val_loss": 1.0, "val_accuracy": 0.66666, "test_loss": 2.0, "test_accuracy": 0.5},
            "epoch 3/10  train loss 0.5123 accuracy 80.00%  val loss 1.0000 accuracy 66.67%  "
            "test loss 2.0000 accuracy 50.00%  lr 0.0123  1,234 images/s, 36.5 s",
        ),
    ],
)
def test_an_epoch_is_printed_in_one_line_by_its_splits(capsys, own_loggers, more, expected):
    speak()
    progress, state = begun()
    progress.on_epoch_end(state, ROW | more, is_best=False)
    assert capsys.readouterr().out == f"{expected}\n"


def test_an_interruption_says_how_far_training_came(capsys, own_loggers):
    speak()
    progress, state = begun()
    state.epoch, state.batches_done = 2, 17
    progress.on_interrupt(state)
    assert capsys.readouterr().out == "saving after epoch 2, batch 17 of 40\n"


def test_without_a_terminal_a_line_is_printed_from_time_to_time(capsys, own_loggers, clock):
    speak()
    progress, state = begun()
    for _ in range(30):
        clock.seconds += 10
        state.batches_done += 1
        progress.on_batch_end(state)
    progress.on_fit_end()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5  # one per 60 of 300 seconds
    # A batch of 64 every 10 seconds; 400 batches less 6 are 3,940 seconds.
    assert lines[0] == "epoch 1/10, batch 6/40, 6 images/s, 66 min left"
    assert lines[4] == "epoch 1/10, batch 30/40, 6 images/s, 62 min left"


def test_loss_and_accuracy_so_far_are_printed(capsys, own_loggers, clock):
    speak()
    progress, state = begun()
    state.train_metrics.update(torch.tensor(0.25), torch.tensor(3), 4, step=0)
    clock.seconds, state.batches_done = 60, 1
    progress.on_batch_end(state)
    assert "loss 0.250, accuracy 75.0%, 1 images/s" in capsys.readouterr().out


def test_a_resumed_run_counts_its_speed_from_where_it_began(capsys, own_loggers, clock):
    speak()
    progress, state = begun(epoch=5, batches_done=10)
    clock.seconds, state.batches_done = 100, 20
    progress.on_batch_end(state)
    # Ten batches in 100 seconds; 400 - 220 are left.
    expected = "epoch 6/10, batch 20/40, 6 images/s, 30 min left\n"
    assert capsys.readouterr().out == expected


def test_on_a_terminal_a_bar_is_drawn_and_removed(capsys, own_loggers, folder, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    speak()
    folder.path.mkdir(exist_ok=True)
    with logged_to(folder):
        progress, state = begun(epoch=5)
        for batch in range(40):
            state.batches_done = batch + 1
            progress.on_batch_end(state)
        progress.on_epoch_end(state, ROW, is_best=False)
        progress.on_fit_end()
    shown = capsys.readouterr()
    assert "50%|" in shown.err  # 200 of 400 batches were done
    assert shown.err.endswith("\r")  # cleared, and nothing drawn since
    assert shown.out.count("epoch 3/10") == 1
    log = folder.log.read_text()
    assert log.startswith("epoch 3/10  train loss")
    assert "|" not in log
    assert "\r" not in log


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    (tmp_path / "run").mkdir()
    return RunFolder(tmp_path / "run")


@pytest.fixture
def own_loggers(monkeypatch):
    """Removes all handlers from the loggers and restores them afterwards."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    for name in NAMES:
        logger = logging.getLogger(name)
        for attribute, value in (("handlers", []), ("propagate", True), ("level", logging.NOTSET)):
            monkeypatch.setattr(logger, attribute, value)
    yield
    logging.captureWarnings(False)
    for name in NAMES:
        logging.getLogger(name).setLevel(logging.NOTSET)  # forgets which levels are enabled


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """A clock that stands still until it is moved."""
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: clock.seconds))
    return clock


def begun(epoch: int = 0, batches_done: int = 0) -> tuple[Progress, TrainingState]:
    """A run of ten epochs of 40 batches of 64 images, at its beginning or resumed."""
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    state = TrainingState(model, optimizer, None, torch.device("cpu"))
    state.epoch, state.batches_done = epoch, batches_done
    progress = Progress(batch_size=64)
    progress.on_fit_start(state, epochs=10, batches=40)
    return progress, state
