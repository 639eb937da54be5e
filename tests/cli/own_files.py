"""A network in a user's own file, which imports another; and what a new process does not know."""

from __future__ import annotations

import sys
from pathlib import Path

from cifar_lab.cli.main import main
from cifar_lab.own_code import OwnCode, permitted
from cifar_lab.run.folder import RunFolder

#: One network in a file that imports another file.
NET = """
from torch import nn
from BLOCKS import WIDTH

class Net(nn.Sequential):
    def __init__(self, *, num_classes: int, width: int) -> None:
        super().__init__(
            nn.Conv2d(3, width, 3, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(WIDTH),
            nn.Flatten(), nn.Linear(width, num_classes),
        )
"""
QUICK = [
    "model=own", "dataset=digits", "trainer.epochs=1", "scheduler=constant",
    "trainer.limit_batches=1", "trainer.precision=float32", "device=cpu",
    "augmentation=none", "report.enabled=false", "trainer.workers=0", "optimizer=sgd",
]  # fmt: skip


def forget(place: Path) -> None:
    """Forget what a new process would not know."""
    OwnCode((place / "nothing",), copied=True).make_importable()  # no copies stay
    for module in [name for name in sys.modules if name.startswith(("net_", "blocks_net_"))]:
        del sys.modules[module]
    sys.path[:] = [entry for entry in sys.path if not entry.startswith(str(place))]
    assert len(permitted()) == 1


def train(place: Path) -> RunFolder:
    """Train the network beside ``conf``; the current folder is the place."""
    assert main(["train", *QUICK, "--config-dir", "conf"]) == 0
    forget(place)
    return RunFolder((place / "outputs" / "latest").resolve())
