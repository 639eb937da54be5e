"""Hooks and a network that the tests name by their path."""

from __future__ import annotations

import os
import random
import signal
from typing import Any

import numpy as np
import torch
from torch import nn

from cifar_lab.hooks import Hook, RunView

#: What the hooks below were told: the method, and what it saw.
TOLD: list[tuple[str, Any]] = []


class Random(nn.Sequential):
    """Its weights depend on every draw and on batch statistics."""

    def __init__(self, *, num_classes: int) -> None:
        super().__init__(
            nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5),
            nn.Flatten(), nn.LazyLinear(num_classes),
        )  # fmt: skip
        self.eval()(torch.zeros(1, 3, 32, 32))


class Careless(Hook):
    """Draws, trains on a batch without an update, freezes weights, and leaves all of it behind."""

    def on_run_start(self, run: RunView) -> None:
        model = run.learner.model.train()
        loss, _ = run.learner.loss_and_logits(next(iter(run.loaders.train.unaugmented(64))))
        loss.backward()
        model[1].running_mean = torch.ones(4)
        model[0].weight.requires_grad_(False)
        model.eval()
        torch.set_grad_enabled(False)
        torch.rand(5), random.random(), np.random.rand()

    def columns(self, run: RunView) -> dict[str, float]:
        self.on_run_start(run)
        return {"drawn": random.random()}

    def on_epoch_end(self, run: RunView, row: dict[str, float]) -> None:
        row.clear()
        self.on_run_start(run)

    def reason_to_stop(self, run: RunView) -> str | None:
        self.on_run_start(run)
        return None


class Listening(Hook):
    """Remembers each call; stops, fails, interrupts and gives what it is told to."""

    def __init__(
        self,
        gives: Any = None,
        fails_in: str = "",
        raises: type[BaseException] = ValueError,
        stops_after: int = 0,
        interrupts_after: int = 0,
    ) -> None:
        self.gives = {} if gives is None else gives
        self.fails_in, self.raises = fails_in, raises
        self.stops_after, self.interrupts_after = stops_after, interrupts_after

    def told(self, method: str, seen: Any) -> None:
        TOLD.append((method, seen))
        if method == self.fails_in:
            raise self.raises("planned")

    def on_run_start(self, run: RunView) -> None:
        self.told("on_run_start", len(run.rows))

    def columns(self, run: RunView) -> Any:
        self.told("columns", len(run.rows))
        return self.gives

    def on_epoch_end(self, run: RunView, row: dict[str, float]) -> None:
        self.told("on_epoch_end", dict(row))
        run.write("seen.txt", f"{len(run.rows)} rows\n")
        if len(run.rows) == self.interrupts_after:
            os.kill(os.getpid(), signal.SIGINT)

    def reason_to_stop(self, run: RunView) -> str | None:
        self.told("reason_to_stop", len(run.rows))
        return "enough\nseen" if len(run.rows) == self.stops_after else None

    def on_run_end(self, run: RunView, summary: Any) -> None:
        self.told("on_run_end", (run.path / "report.html").exists())

    def on_run_broken_off(self, run: RunView, why: str) -> None:
        self.told("on_run_broken_off", why)


class Lacking(Hook):
    """Lacks something."""

    def unmet_needs(self, images: Any) -> list[str]:
        return ["the moon is missing; wait for it", "as is the sun"]


class Drawing(Hook):
    """Draws when it is made and when it is asked."""

    def __init__(self) -> None:
        torch.rand(3), random.random(), np.random.rand()

    def unmet_needs(self, images: Any) -> list[str]:
        self.__init__()
        return []


class Raising(Hook):
    """Cannot be made."""

    def __init__(self) -> None:
        raise RuntimeError("it cannot be made")


def no_hook() -> dict[str, int]:
    return {}
