"""The same training on a Lightning ``Trainer``: for several devices and machines.

Nothing of what a step computes stands here: Lightning drives the loop, starts the process group and
averages gradients between its processes; :class:`~cifar_lab.engine.fit.Fit` and the learner do the
rest, as in the native engine. Every process trains its part of each batch; the one of rank 0 also
evaluates, decides and writes.
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
from importlib.util import find_spec
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
from cifar_lab.refusal import Refusal

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule

#: Strategies whose processes each hold the whole model, as a checkpoint does.
Strategy = Literal["auto", "ddp", "ddp_find_unused_parameters_true"]


@dataclass(frozen=True, kw_only=True)
class LightningTrainer(Engine):
    """Trains on a Lightning ``Trainer`` (extra ``lightning``).

    Attributes:
        devices: processes on each machine, a device each; each trains ``batch_size`` images a
            step, so one process at ``devices * num_nodes`` times the batch size does the same.
        num_nodes: machines. Start the same command on each, with ``NODE_RANK``, ``MASTER_ADDR``
            and ``MASTER_PORT`` in its environment.
        strategy: Lightning's; ``auto`` is one device's, or ``ddp``.
    """

    devices: PositiveInt
    num_nodes: PositiveInt
    strategy: Strategy

    @property
    def world(self) -> World:
        """Where this process stands, which whoever started it put into its environment."""
        place = os.environ
        local = int(place.get("NODE_RANK", 0)) * self.devices + int(place.get("LOCAL_RANK", 0))
        return World(int(place.get("RANK", local)), self.devices * self.num_nodes)

    @property
    def companions(self) -> int:
        """The others on this machine, unless somebody else starts them."""
        return 0 if "LOCAL_RANK" in os.environ else self.devices - 1

    def place(self, device: torch.device) -> torch.device:
        """A device of its own for each process of a machine."""
        if self.devices == 1 or device.type == "cpu":
            return device
        if device.index or self.devices > torch.cuda.device_count():
            raise Refusal(
                f"trainer.devices={self.devices} on device={device}: this machine has "
                f"{torch.cuda.device_count()} CUDA devices, of which they are the first; lower "
                "trainer.devices, and set device=cuda"
            )
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))

    def unmet_needs(self) -> list[str]:
        """Lightning, and an environment that fits."""
        unmet = []
        if find_spec("lightning") is None:
            unmet.append(
                "trainer=lightning needs the package lightning, which is not installed: "
                "pip install 'cifar-lab[lightning]', or take trainer=native"
            )
        if self.world.rank >= self.world.size:
            unmet.append(
                f"this process is told that its rank is {self.world.rank} (RANK, NODE_RANK, "
                f"LOCAL_RANK), but trainer.devices={self.devices} on "
                f"trainer.num_nodes={self.num_nodes} makes {self.world.size} processes"
            )
        lacking = [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
        if self.num_nodes > 1 and lacking:
            unmet.append(
                f"trainer.num_nodes={self.num_nodes} needs {' and '.join(lacking)} in the "
                "environment on each machine, and NODE_RANK, from 0 on"
            )
        return unmet

    def why_not_captured(self, device: torch.device) -> str | None:
        """Lightning drives the steps."""
        return "Lightning drives the steps"

    def drive(self, fit: Fit) -> None:
        """Lightning's loop, over all processes; they must have been started."""
        from lightning.fabric.plugins.environments.lightning import LightningEnvironment
        from lightning.pytorch import Trainer as Driver

        module = _module(fit)
        fit.make_step = module.step
        for name in ("lightning.pytorch", "lightning.fabric"):
            logging.getLogger(name).setLevel(logging.WARNING)
        device = fit.learner.device
        one_of_several = device.type == "cuda" and self.devices == 1
        driver = Driver(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=[device.index or 0] if one_of_several else self.devices,
            num_nodes=self.num_nodes,
            strategy=self._strategy(),
            precision="32-true",  # the learner casts
            plugins=[LightningEnvironment()],
            max_epochs=-1,  # the fit ends it
            reload_dataloaders_every_n_epochs=1,  # the first may be the rest of one
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        with _process_group(), warnings.catch_warnings():
            # Lightning's own use of what newer torch versions have renamed.
            warnings.filterwarnings("ignore", module=r"lightning\.")
            driver.fit(module)

    def _strategy(self) -> str:
        if self.strategy != "auto" or self.world.size == 1:
            return self.strategy
        # A parameter that is frozen on the way gets no gradient to average.
        return "ddp_find_unused_parameters_true" if self.plan.freeze_after_epochs else "ddp"


class _EpochBatches:
    """What is left of the current epoch, as Lightning asks for it: with a length."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit

    def __len__(self) -> int:
        return self._fit.batches - self._fit.state.batches_done

    def __iter__(self) -> Iterator[TrainBatch]:
        return self._fit.epoch_batches()


class _LightningStep(EagerStep):
    """A step whose backward pass and update go through Lightning."""

    def __init__(self, fit: Fit, module: LightningModule) -> None:
        super().__init__(fit.learner, fit.state, fit.plan)
        self._module = module

    def backward(self, loss: Tensor) -> None:
        self._module.manual_backward(loss)

    def update_weights(self) -> None:
        optimizer: Any = self._module.optimizers()
        optimizer.step()


def _module(fit: Fit) -> Any:
    """The fit as a ``LightningModule``; a function, as importing Lightning costs seconds."""
    from lightning.pytorch import LightningModule

    class Module(LightningModule):
        """Hands Lightning's calls on."""

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
            if fit.goes_on and fit.state.batches_done == fit.batches:  # interrupted in evaluation
                fit.begin_epoch()
                fit.end_epoch()
            self.trainer.should_stop = not fit.goes_on

        def on_train_start(self) -> None:
            # Lightning's own handler of SIGTERM speaks to the other processes at any time, also
            # in the middle of a step.
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
    """Gives every process the leader's weights, optimizer and counts, but draws of its own."""
    world = fit.world
    if world.size == 1:
        return
    file = io.BytesIO()
    if world.leads:
        torch.save(fit.state.state_dict(), file)
    written = io.BytesIO(world.agree(file.getvalue()))
    if not world.leads:
        device = fit.learner.device
        fit.state.load_state_dict(torch.load(written, map_location=device, weights_only=True))
        torch.manual_seed(torch.initial_seed() + world.rank)


@contextlib.contextmanager
def _process_group() -> Iterator[None]:
    """Leaves no process group behind, so that the next run of this process can have its own."""
    try:
        yield
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
