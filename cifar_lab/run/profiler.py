"""A trace of a few training steps, for ``debug=profile``."""

from __future__ import annotations

from typing import Any

import torch

from cifar_lab.engine.hooks import Hooks
from cifar_lab.engine.state import TrainingState
from cifar_lab.run.console import log
from cifar_lab.run.store import Store

WARMUP_BATCHES = 3
ROWS_SHOWN = 15


class Profiler(Hooks):
    """Traces batches after a warm-up, writes profile.json, prints the most expensive operators.

    Args:
        files: of the run.
        batches: number of batches to trace.
    """

    def __init__(self, files: Store, batches: int) -> None:
        self._files = files
        self._batches = batches
        self._profiler: Any = None

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        plan = torch.profiler.schedule(
            wait=0, warmup=WARMUP_BATCHES, active=self._batches, repeat=1
        )
        self._profiler = torch.profiler.profile(schedule=plan, on_trace_ready=self._write)
        self._profiler.start()

    def on_batch_end(self, state: TrainingState) -> None:
        self._profiler.step()

    def on_fit_end(self) -> None:
        self._profiler.stop()

    def _write(self, profiler: Any) -> None:
        path = self._files.folder.profile
        unfinished = path.with_suffix(".tmp")
        profiler.export_chrome_trace(str(unfinished))
        self._files.write({path: unfinished.read_bytes()})
        unfinished.unlink()
        by = "self_cuda_time_total" if torch.cuda.is_initialized() else "self_cpu_time_total"
        log.info(profiler.key_averages().table(sort_by=by, row_limit=ROWS_SHOWN))
        log.info(f"profile: {path}")
