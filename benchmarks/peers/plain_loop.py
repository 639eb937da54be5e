"""The training loop of tutorials: float32, NCHW, eager."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

Batches = Iterable[tuple[Tensor, Tensor]]


def sgd(model: nn.Module, lr: float) -> torch.optim.SGD:
    """SGD with the values of ``optimizer=sgd``, otherwise with torch's defaults."""
    return torch.optim.SGD(
        model.parameters(), lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4
    )


def train(
    model: nn.Module, optimizer: torch.optim.Optimizer, criterion: nn.Module, batches: Batches
) -> tuple[list[float], float]:
    """Trains an epoch, reading loss and hits at every step; returns losses and accuracy."""
    model.train()
    losses = []
    correct = total = 0
    for images, labels in batches:
        optimizer.zero_grad()
        outputs = model(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        correct += (outputs.argmax(dim=1) == labels).sum().item()
        total += len(labels)
    return losses, correct / total


def train_gathering(
    model: nn.Module, optimizer: torch.optim.Optimizer, criterion: nn.Module, batches: Batches
) -> tuple[float, float]:
    """Trains an epoch, accumulating loss and hits on the device; returns means over images."""
    model.train()
    device = next(model.parameters()).device
    loss_sum = torch.zeros((), dtype=torch.float64, device=device)
    hits = torch.zeros((), dtype=torch.int64, device=device)
    total = 0
    for images, labels in batches:
        optimizer.zero_grad(set_to_none=True)
        outputs = model(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(labels)
        hits += (outputs.detach().argmax(dim=1) == labels).sum()
        total += len(labels)
    return loss_sum.item() / total, hits.item() / total
