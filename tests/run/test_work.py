"""Machine work: seconds times the measured rate of matrix products."""

from __future__ import annotations

import pytest
import torch

from cifar_lab.run import work as module
from cifar_lab.run.work import SIDE, WorkMeter, described_work, matmul_rate

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_work_is_seconds_times_the_mean_of_the_measured_rates(precision, dtype, monkeypatch):
    rates, measured = iter([1e11, 2e11, 6e11]), []

    def rate(device, dtype, seconds):
        measured.append(dtype)
        return next(rates)

    monkeypatch.setattr(module, "matmul_rate", rate)
    meter = WorkMeter(CPU, precision)
    meter.on_fit_start(None, 1, 1)
    meter.on_epoch_end(None, {}, True)
    result = meter.result(seconds=20.0)
    assert result.matmul_flops_per_second == pytest.approx(3e11)
    assert result.tflop == pytest.approx(6.0)
    assert result.measurements == (1e11, 2e11, 6e11)
    text = described_work(result, precision)
    assert "20.0 s" in text
    assert f"in {precision} products" in text
    assert "6.0 TFLOP" in text
    assert measured == [dtype] * 3


def test_the_rate_counts_two_operations_per_multiply_add(monkeypatch):
    """Uses a clock that advances one second per reading: three readings, two products."""
    seconds = iter(range(100))
    monkeypatch.setattr(module, "SIDE", 8)
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(seconds)))
    assert matmul_rate(CPU, torch.float32, seconds=2.0) == pytest.approx(2 * 8**3 * 2 / 3)
    assert SIDE >= 4096
