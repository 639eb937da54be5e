"""Running sums compared with scikit-learn, over batches of different sizes."""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, log_loss

from cifar_lab.engine.metrics import LossAndAccuracy, RunningMetrics, correct

CPU = torch.device("cpu")
SIZES = (7, 1, 16, 3)


def test_averages_over_uneven_batches_equal_scikit_learns():
    logits, labels = predictions()
    metrics = RunningMetrics(CPU)
    add(metrics, logits, labels)
    probabilities = logits.double().softmax(1).numpy()
    result = metrics.result()
    assert result.loss == pytest.approx(log_loss(labels, probabilities, labels=range(5)), rel=1e-6)
    assert result.accuracy == pytest.approx(accuracy_score(labels, logits.argmax(1)), rel=1e-12)
    assert result.count == sum(SIZES)


def test_a_small_loss_is_not_lost_in_a_large_sum():
    metrics = RunningMetrics(CPU)
    # In float32, the sum would get stuck at 2 ** 24.
    for loss in (2.0**24, 1.0, 1.0):
        metrics.update(torch.tensor(loss), torch.tensor(1), 1, step=0)
    assert metrics.result().loss * 3 == 2**24 + 2


def test_sums_keep_no_graph():
    metrics = RunningMetrics(CPU)
    logits = torch.zeros(2, 3, requires_grad=True)
    metrics.update(logits.sum(), correct(logits, torch.tensor([0, 1])), 2, step=0)
    sums = [value for value in metrics.state_dict().values() if isinstance(value, torch.Tensor)]
    assert sums
    assert not any(value.requires_grad for value in sums)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_the_first_step_with_a_loss_that_is_not_finite_is_remembered(bad):
    metrics = RunningMetrics(CPU)
    for step, loss in enumerate((1.0, 2.0, bad, 3.0, bad), start=40):
        metrics.update(torch.tensor(loss), torch.tensor(1), 1, step)
    assert metrics.first_bad_step() == 42


def test_step_zero_can_be_the_first_bad_one():
    metrics = RunningMetrics(CPU)
    metrics.update(torch.tensor(float("nan")), torch.tensor(1), 1, step=0)
    assert metrics.first_bad_step() == 0


def test_there_is_no_bad_step_among_finite_losses():
    metrics = RunningMetrics(CPU)
    add(metrics, *predictions())
    assert metrics.first_bad_step() is None


def test_a_saved_epoch_goes_on_where_it_stood():
    logits, labels = predictions()
    whole, first, second = (RunningMetrics(CPU) for _ in range(3))
    add(whole, logits, labels)
    add(first, logits, labels, batches=slice(0, 2))
    second.load_state_dict(saved_and_read(first))
    add(second, logits, labels, batches=slice(2, 4))
    assert second.result() == whole.result()
    assert first.result().count == 8  # unchanged


@pytest.mark.parametrize("looks", [(), (0,), (1, 2), (0, 1, 2, 3)])
def test_the_sums_do_not_depend_on_when_somebody_looked(looks, monkeypatch):
    """Bit for bit: redrawing the progress bar must not change what is recorded."""
    logits, labels = predictions()
    whole, watched = RunningMetrics(CPU), RunningMetrics(CPU)
    monkeypatch.setattr(watched, "ASIDE", 3)
    add(whole, logits, labels)
    for batch in range(4):
        add(watched, logits, labels, batches=slice(batch, batch + 1))
        if batch in looks:
            watched.running_average()
    assert watched.result() == whole.result()


def test_a_bad_step_is_saved_too():
    first, second = RunningMetrics(CPU), RunningMetrics(CPU)
    first.update(torch.tensor(float("nan")), torch.tensor(1), 1, step=7)
    second.load_state_dict(saved_and_read(first))
    assert second.first_bad_step() == 7


def test_the_running_average_on_the_cpu_is_the_result_so_far():
    metrics = RunningMetrics(CPU)
    assert metrics.running_average() is None
    logits, labels = predictions()
    add(metrics, logits, labels, batches=slice(0, 1))
    right = int((logits[:7].argmax(1) == labels[:7]).sum())
    average = metrics.running_average()
    assert average is not None
    assert (average.accuracy, average.count) == (right / 7, 7)
    assert average.loss == pytest.approx(losses(logits, labels)[:7].mean().item(), rel=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_running_average_on_cuda_comes_once_the_device_is_done():
    device = torch.device("cuda")
    metrics = RunningMetrics(device)
    metrics.update(
        torch.tensor(2.0, device=device),
        torch.tensor(2, device=device),
        3,
        step=0,
    )
    assert metrics.running_average() is None  # only requested so far
    torch.cuda.synchronize()
    assert metrics.running_average() == LossAndAccuracy(2.0, 2 / 3, 3)


def predictions() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(sum(SIZES), 5, generator=generator)
    return logits, torch.randint(0, 5, (sum(SIZES),), generator=generator)


def losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits.double(), labels, reduction="none")


def add(metrics: RunningMetrics, logits, labels, batches: slice = slice(None)) -> None:
    edges = np.cumsum((0, *SIZES))
    for step, (start, end) in list(enumerate(itertools.pairwise(edges)))[batches]:
        loss = F.cross_entropy(logits[start:end], labels[start:end])
        hits = correct(logits[start:end], labels[start:end])
        metrics.update(loss, hits, int(end - start), step)


def saved_and_read(metrics: RunningMetrics) -> dict[str, Any]:
    buffer = io.BytesIO()
    torch.save(metrics.state_dict(), buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)
