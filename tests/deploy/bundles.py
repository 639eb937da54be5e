"""A bundle of a small network with random weights, made by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from cifar_lab.deploy.bundle import (
    DESCRIPTION,
    MANIFEST,
    WEIGHTS,
    description_text,
    manifest_text,
)
from cifar_lab.deploy.description import Architecture, Description, Scores
from cifar_lab.deploy.usage import Usage
from cifar_lab.models import CustomResNet

USAGE = Usage(
    class_names=("ant", "bee", "cat"),
    image_size=(32, 32),
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.2, 0.1),
    precision="float32",
    flips=False,
    channels_last=True,
    batch_size=3,
    threads=1,
    layer=None,
    energy_limit=-1.0,
    energy_images=20,
)
DESCRIBED = Description(
    name="insects",
    run="0" * 32,
    created="2026-01-02T03:04:05+00:00",
    made_with="0.0",
    architecture=Architecture("CustomResNet", {"width": 4, "num_classes": 3}, own=False),
    usage=USAGE,
    layers=("layer1", "layer3"),
    parameters=26_000,
    validation=Scores(0.9, 0.3, 20),
    test=Scores(0.8, 0.4, 50),
    evaluated="test",
    examples=(),
    misclassified=(),
    misclassified_total=10,
    float32_changes=None,
    modules=(),
)


def network() -> CustomResNet:
    """The network in the bundle, with weights of its own."""
    torch.manual_seed(0)
    model = CustomResNet(num_classes=3, width=4)
    # Every buffer differs from a new network's, yet so little that logits are not all zero.
    with torch.no_grad():
        for buffer in model.buffers():
            buffer.copy_(torch.rand(buffer.shape) / 5 + 0.2)
    return model.eval()


def a_bundle(folder: Path, files: Mapping[str, bytes] | None = None, **changes: Any) -> Path:
    """Write a bundle; parts of its description can be changed, and files added or replaced."""
    described = dataclasses.replace(DESCRIBED, **changes)
    weights = {name: tensor.contiguous() for name, tensor in network().state_dict().items()}
    contents = {
        WEIGHTS: save(weights),
        DESCRIPTION: description_text(described).encode(),
        **(files or {}),
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_text(manifest_text(contents))
    return folder
