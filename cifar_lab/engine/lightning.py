"""The same training on a Lightning ``Trainer``, for several devices and machines.

This module does not define what a step computes: Lightning drives the loop, starts the process
group and averages gradients between its processes; :class:`~cifar_lab.engine.fit.Fit` and the
learner do the rest, as in the native engine. Every process trains its part of each batch; rank 0
also evaluates, decides and writes.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from cifar_lab.bounds import PositiveInt
from cifar_lab.data.loaders import TrainBatch
from cifar_lab.engine.engine import Engine
from cifar_lab.engine.fit import Fit
from cifar_lab.engine.step import EagerStep
from cifar_lab.engine.world import World
from cifar_lab.refusal import Refusal, missing_packages

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule

#: Strategies in which each process holds the whole model, as a checkpoint needs.
Strategy = Literal["auto", "ddp", "ddp_find_unused_parameters_true"]


@dataclass(frozen=True, kw_only=True)
class LightningTrainer(Engine):
    """Trains on a Lightning ``Trainer`` (extra ``lightning``).

    Attributes:
        devices: processes per machine, one device each; each trains ``batch_size`` images per
            step, so a single process with ``devices * num_nodes`` times the batch size is
            equivalent.
        num_nodes: number of machines. Start the same command on each, with ``NODE_RANK``,
            ``MASTER_ADDR`` and ``MASTER_PORT`` in its environment.
        strategy: Lightning's strategy; ``auto`` is ``ddp`` for several processes.
    """

    devices: PositiveInt
    num_nodes: PositiveInt
    strategy: Strategy

    @property
    def world(self) -> World:
        """Rank and world size of this process, from its environment."""
        place = os.environ
        local = int(place.get("NODE_RANK", 0)) * self.devices + int(place.get("LOCAL_RANK", 0))
        return World(int(place.get("RANK", local)), self.devices * self.num_nodes)

    @property
    def local_workers(self) -> int:
        """The other processes on this machine, unless a launcher starts them."""
        return 0 if "LOCAL_RANK" in os.environ else self.devices - 1

    def place(self, device: torch.device) -> torch.device:
        """A separate device for each process on a machine."""
        if self.devices == 1 or device.type == "cpu":
            return device
        if device.index or self.devices > torch.cuda.device_count():
            raise Refusal(
                f"trainer.devices={self.devices} on device={device}: this machine has "
                f"{torch.cuda.device_count()} CUDA devices, and processes use them from the first "
                "on; lower trainer.devices, and set device=cuda"
            )
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))

    def unmet_needs(self) -> list[str]:
        """Lightning must be installed, and the environment consistent."""
        missing = missing_packages("trainer=lightning", ["lightning"], "lightning")
        unmet = [f"{each}, or use trainer=native" for each in missing]
        if self.world.rank >= self.world.size:
            unmet.append(
                f"the environment (RANK, NODE_RANK, LOCAL_RANK) gives this process rank "
                f"{self.world.rank}, but trainer.devices={self.devices} with "
                f"trainer.num_nodes={self.num_nodes} makes only {self.world.size} processes"
            )
        lacking = [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
        if self.num_nodes > 1 and lacking:
            unmet.append(
                f"trainer.num_nodes={self.num_nodes} needs {' and '.join(lacking)} in the "
                "environment on each machine, and NODE_RANK, counted from 0"
            )
        return unmet

    def why_not_captured(self, device: torch.device) -> str | None:
        """Never captured: Lightning drives the steps."""
        return "Lightning drives the steps"

    def drive(self, fit: Fit) -> None:
        """Run Lightning's loop over all processes, which must already be running."""
        from lightning.fabric.plugins.environments.lightning import LightningEnvironment
        from lightning.pytorch import Trainer as Driver

        module = _module(fit)
        fit.make_step = module.step
        for name in ("lightning.pytorch", "lightning.fabric"):
            logging.getLogger(name).setLevel(logging.WARNING)
        device = fit.learner.device
        one_of_several = device.type == "cuda" and self.devices == 1
        with _process_group(), warnings.catch_warnings():
            # Lightning itself uses names that newer torch versions have renamed.
            warnings.filterwarnings("ignore", module=r"lightning\.")
            warnings.filterwarnings("ignore", "GPU available but not used")  # as configured
            driver = Driver(
                accelerator="gpu" if device.type == "cuda" else "cpu",
                devices=[device.index or 0] if one_of_several else self.devices,
                num_nodes=self.num_nodes,
                strategy=self._strategy(),
                precision="32-true",  # the learner handles autocasting
                plugins=[LightningEnvironment()],
                max_epochs=-1,  # the fit decides when to stop
                reload_dataloaders_every_n_epochs=1,  # the first epoch may be partial
                num_sanity_val_steps=0,
                use_distributed_sampler=False,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            driver.fit(module)
        if device.type == "cuda":
            # Lightning leaves the model and the optimizer's state on the CPU.
            fit.learner.model.to(device)
            fit.state.optimizer.load_state_dict(fit.state.optimizer.state_dict())

    def _strategy(self) -> str:
        if self.strategy != "auto" or self.world.size == 1:
            return self.strategy
        # A parameter that is frozen during training gets no gradient to average.
        return "ddp_find_unused_parameters_true" if self.plan.freeze_after_epochs else "ddp"


class _EpochBatches:
    """The remaining batches of the current epoch, with the length that Lightning needs."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit

    def __len__(self) -> int:
        return self._fit.batches - self._fit.state.batches_done

    def __iter__(self) -> Iterator[TrainBatch]:
        return self._fit.epoch_batches()


class _LightningStep(EagerStep):
    """A step that runs its backward pass and update through Lightning."""

    def __init__(self, fit: Fit, module: LightningModule) -> None:
        super().__init__(fit.learner, fit.state, fit.plan)
        self._module = module

    def backward(self, loss: Tensor) -> None:
        self._module.manual_backward(loss)

    def update_weights(self) -> None:
        optimizer: Any = self._module.optimizers()
        optimizer.step()


def _module(fit: Fit) -> Any:
    """The fit as a ``LightningModule``; a function, because importing Lightning takes seconds."""
    from lightning.pytorch import LightningModule

    class Module(LightningModule):
        """Forwards Lightning's calls to the fit."""

        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.model = fit.learner.model
            self._handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

        def step(self) -> _LightningStep:
            return _LightningStep(fit, self)

        def configure_optimizers(self) -> Optimizer:
            return fit.state.optimizer

        def train_dataloader(self) -> _EpochBatches:
            return _EpochBatches(fit)

        def setup(self, stage: str) -> None:
            _share_state(fit)
            if fit.goes_on and fit.state.batches_done == fit.batches:
                # The run was interrupted during evaluation.
                fit.begin_epoch()
                fit.end_epoch()
            self.trainer.should_stop = not fit.goes_on

        def on_train_start(self) -> None:
            # Lightning's own SIGTERM handler communicates with the other processes at any time,
            # even in the middle of a step.
            if threading.current_thread() is threading.main_thread():
                for signum, handler in self._handlers.items():
                    signal.signal(signum, handler)

        def on_train_epoch_start(self) -> None:
            fit.begin_epoch()

        def on_train_batch_start(self, batch: TrainBatch, batch_idx: int) -> int | None:
            return -1 if fit.time_is_up() else None

        def training_step(self, batch: TrainBatch, batch_idx: int) -> None:
            fit.train(batch)

        def on_train_epoch_end(self) -> None:
            fit.end_epoch()
            self.trainer.should_stop = not fit.goes_on

    return Module()


def _share_state(fit: Fit) -> None:
    """Broadcast the leader's weights, optimizer and counters, and seed each process separately."""
    world = fit.world
    if world.size == 1:
        return
    file = io.BytesIO()
    if world.leads:
        torch.save(fit.state.state_dict(), file)
    written = io.BytesIO(world.broadcast(file.getvalue()))
    if not world.leads:
        device = fit.learner.device
        fit.state.load_state_dict(torch.load(written, map_location=device, weights_only=True))
        torch.manual_seed(torch.initial_seed() + world.rank)


@contextlib.contextmanager
def _process_group() -> Iterator[None]:
    """Destroy the process group at the end, so that this process can start another run."""
    try:
        yield
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
