"""Tests that background writes contain what was submitted, and that failures are raised."""

from __future__ import annotations

import threading

import pytest
import torch

from cifar_lab.run.background import BackgroundWriter


def test_a_copy_is_not_changed_by_further_training():
    writer = BackgroundWriter(in_background=True)
    weight, momentum = torch.arange(6.0).view(2, 3), torch.ones(2)
    state = {"model": {"w": weight}, "optimizer": [{"m": momentum}, ("a", 3)], "none": None}
    copied = writer.copy(state)
    weight.zero_()
    momentum.zero_()
    assert copied["model"]["w"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert copied["optimizer"][0]["m"].tolist() == [1, 1]
    assert copied["optimizer"][1] == ("a", 3)
    assert copied["none"] is None


def test_the_memory_of_a_copy_is_reused_and_follows_shapes():
    writer = BackgroundWriter(in_background=True)
    first = writer.copy({"w": torch.zeros(3)})["w"]
    second = writer.copy({"w": torch.ones(3)})["w"]
    assert second.data_ptr() == first.data_ptr()
    assert second.tolist() == [1, 1, 1]
    assert writer.copy({"w": torch.ones(2, 2, dtype=torch.int64)})["w"].tolist() == [[1, 1], [1, 1]]


def test_the_memory_format_is_kept():
    weight = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    copied = BackgroundWriter(in_background=True).copy({"w": weight})["w"]
    assert copied.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(copied, weight)


@pytest.mark.parametrize("in_background", [True, False])
def test_it_writes_in_order_and_in_its_own_thread_if_asked(in_background):
    writer, written = BackgroundWriter(in_background), []
    for number in range(3):
        writer.finish()
        writer.submit(lambda n=number: written.append((n, threading.current_thread())))
    writer.close()
    assert [number for number, _ in written] == [0, 1, 2]
    here = threading.current_thread()
    assert all((thread is not here) is in_background for _, thread in written)


def test_training_continues_while_it_writes():
    writer, may_write = BackgroundWriter(in_background=True), threading.Event()
    writer.submit(lambda: may_write.wait(60) and None)
    may_write.set()  # only reached because submit did not wait
    writer.close()


def test_a_failure_is_raised_by_finish_and_ends_the_thread():
    def fail():
        raise OSError("no space left on device")

    writer = BackgroundWriter(in_background=True)
    writer.submit(fail)
    with pytest.raises(OSError, match="no space left"):
        writer.finish()
    writer.submit(fail)
    with pytest.raises(OSError, match="no space left"):
        writer.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("checkpoint")]
