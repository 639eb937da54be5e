"""Machine work: seconds times the measured rate of matrix products."""

from __future__ import annotations

import pytest
import torch

from cifar_lab.run import work as module
from cifar_lab.run.work import SIDE, WorkMeter, described_work, matmul_rate

CPU = torch.device("cpu")


def test_work_is_seconds_times_the_mean_of_the_measured_rates(monkeypatch):
    rates = iter([1e11, 2e11, 6e11])
    monkeypatch.setattr(module, "matmul_rate", lambda device, dtype, seconds: next(rates))
    meter = WorkMeter(CPU)
    meter.on_fit_start(None, 1, 1)
    meter.on_epoch_end(None, {}, True)
    result = meter.result(seconds=20.0)
    assert result.matmul_flops_per_second == pytest.approx(3e11)
    assert result.tflop == pytest.approx(6.0)
    assert result.measurements == (1e11, 2e11, 6e11)
    assert "20.0 s" in described_work(result)
    assert "6.0 TFLOP" in described_work(result)


def test_the_rate_counts_two_operations_per_multiply_add(monkeypatch):
    """Uses a clock that advances one second per reading: three readings, two products."""
    seconds = iter(range(100))
    monkeypatch.setattr(module, "SIDE", 8)
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(seconds)))
    assert matmul_rate(CPU, torch.float32, seconds=2.0) == pytest.approx(2 * 8**3 * 2 / 3)
    assert SIDE >= 4096
