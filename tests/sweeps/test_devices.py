"""Each worker gets a GPU of its own where there are several."""

from __future__ import annotations

import pytest
import torch

from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps import devices
from tests.results.sweeps import a_plan

TWO = {"a": {"x": "1"}, "b": {"x": "2"}}


@pytest.fixture(autouse=True)
def _two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(devices, "_CHOSEN", [])
    monkeypatch.setattr(devices, "_HELD", [])


def test_the_first_free_gpu_is_taken_and_kept(tmp_path, monkeypatch):
    folder, plan = SweepFolder(tmp_path), a_plan(TWO, 1, workers=2)
    assert devices.device_for(folder, plan, "auto") == "cuda:0"
    assert devices.device_for(folder, plan, "auto") == "cuda:0"
    held = devices._HELD  # as another process would
    monkeypatch.setattr(devices, "_CHOSEN", [])
    monkeypatch.setattr(devices, "_HELD", [])
    assert devices.device_for(folder, plan, "cuda") == "cuda:1"
    for lock in [*held, *devices._HELD]:
        lock.close()


@pytest.mark.parametrize(("workers", "device"), [(1, "auto"), (2, "cpu"), (2, "cuda:1")])
def test_a_stated_device_or_a_single_worker_keeps_what_it_has(workers, device, tmp_path):
    plan = a_plan(TWO, 1, workers=workers)
    assert devices.device_for(SweepFolder(tmp_path), plan, device) == device
