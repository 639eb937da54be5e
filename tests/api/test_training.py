"""``train`` does what the command line does, and is interrupted as Python is."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch

import cifar_lab
from cifar_lab.cli.main import main
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run as Recorded
from tests.api.conftest import TINY


def test_it_trains_what_the_command_line_trains(run, tmp_path, monkeypatch):
    ours, logits, names = run.summary, run.predictions.test.logits, list(run.metrics)
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(2)
    assert main(["train", *TINY, "seed=1"]) == 0
    theirs = cifar_lab.open_run("latest")
    np.testing.assert_array_equal(logits, theirs.predictions.test.logits)
    assert (ours.test, ours.validation) == (theirs.summary.test, theirs.summary.validation)
    assert names == list(theirs.metrics)


def test_its_provenance_has_the_command_that_repeats_it(run):
    command = f"cifar-lab train {' '.join(TINY)} seed=1"
    assert run.recorded.provenance.command == command


def test_all_problems_are_refused_at_once_and_nothing_is_written(elsewhere):
    with pytest.raises(cifar_lab.Refusal) as refused:
        cifar_lab.train("experiments=digits", "trainer.epochs=0", "optimizer.lr=fast")
    assert len(refused.value.problems) == 2
    assert isinstance(refused.value, ValueError)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m"], r"cifar_lab.train\('-m'\): flags of the command line are arguments here"),
        ([{"seed": 1}], r"cifar_lab.train\({'seed': 1}\): an override is a text"),
        (["seed=0,1"], "seed"),
    ],
)
def test_what_is_no_override_is_refused(elsewhere, words, said):
    with pytest.raises(cifar_lab.Refusal, match=said):
        cifar_lab.train("experiments=digits", *words)
    assert list(elsewhere.iterdir()) == []


def test_a_missing_folder_of_groups_is_refused(elsewhere):
    with pytest.raises(cifar_lab.Refusal, match="nowhere is not a directory"):
        cifar_lab.train("experiments=digits", config_dir="nowhere")


def test_a_run_that_fails_raises_and_keeps_why(elsewhere):
    with pytest.raises(cifar_lab.RunFailed, match="became non-finite"):
        cifar_lab.train(*TINY, "optimizer.lr=1e30", "trainer.limit_batches=4")
    assert cifar_lab.open_run("latest").status == "failed"


def test_it_works_outside_the_main_thread_and_reads_no_command_line(elsewhere, monkeypatch):
    """As in a notebook's or a server's thread."""
    monkeypatch.setattr(sys, "argv", ["/usr/lib/ipykernel", "-f", "--nonsense"])
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    found = []
    worker = threading.Thread(target=lambda: found.append(cifar_lab.train(*TINY)))
    worker.start()
    worker.join()
    assert [each.status for each in found] == ["done"]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def interrupt_once_trained(folder):
    """Press Ctrl-C as soon as a batch may have been trained."""
    while not list(folder.glob("outputs/*/*/*/status.json")):
        time.sleep(0.01)
    while not any("run: " in f.read_text() for f in folder.glob("outputs/*/*/*/run.log")):
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupted_run_raises_keyboard_interrupt_and_can_be_resumed(elsewhere):
    before = signal.getsignal(signal.SIGINT)
    worker = threading.Thread(target=interrupt_once_trained, args=(elsewhere,))
    worker.start()
    long = ("trainer.epochs=400", "trainer.limit_batches=4")
    with pytest.raises(KeyboardInterrupt, match="SIGINT"):
        cifar_lab.train(*TINY, *long, "trainer.early_stopping_patience=1")
    worker.join()
    assert signal.getsignal(signal.SIGINT) is before
    stopped = cifar_lab.open_run("latest")
    assert stopped.status == "interrupted"
    resumed = stopped.resume()
    assert (resumed.status, resumed.id) == ("done", stopped.id)
    assert resumed.metrics["epoch"].tolist() == list(range(1, len(resumed.metrics["epoch"]) + 1))


def test_logging_and_warnings_are_left_as_they_were(elsewhere, capsys):
    import logging

    logger = logging.getLogger("cifar_lab")
    before = (logger.level, logger.propagate, list(logger.handlers), warnings.showwarning)
    run = cifar_lab.train(*TINY)
    assert "epoch 1/1" in capsys.readouterr().out
    assert (logger.level, logger.propagate, logger.handlers, warnings.showwarning) == before
    logger.setLevel(logging.WARNING)
    try:
        again = cifar_lab.train(*TINY)
    finally:
        logger.setLevel(before[0])
    assert capsys.readouterr().out == ""
    assert "epoch 1/1" in Recorded(RunFolder(again.path)).folder.log.read_text()
    assert run.path != again.path
