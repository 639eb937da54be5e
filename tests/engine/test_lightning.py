"""Processes of ``LightningTrainer``; its computations are tested in test_trainer and tests/cli."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cifar_lab.engine.engine import Engine
from cifar_lab.engine.lightning import LightningTrainer
from cifar_lab.engine.trainer import Trainer
from cifar_lab.engine.world import World
from cifar_lab.refusal import Refusal
from tests.engine.plans import make_plan
from tests.engine.test_trainer import make_run

pytestmark = pytest.mark.extra("lightning")
#: Arguments of Lightning's engine besides the plan, for one process.
ONE = {"devices": 1, "num_nodes": 1, "strategy": "auto"}


@pytest.fixture(autouse=True)
def _of_no_world(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "rank", "local_workers"),
    [
        ({}, 0, 2),
        (
            {"NODE_RANK": "1"},
            3,
            2,
        ),  # the first process on the second machine starts the others there
        ({"LOCAL_RANK": "2"}, 2, 0),  # a launcher started this process, and starts the others
        ({"NODE_RANK": "1", "LOCAL_RANK": "2"}, 5, 0),
        ({"RANK": "4", "LOCAL_RANK": "1", "GROUP_RANK": "1"}, 4, 0),  # torchrun
    ],
)
def test_rank_and_local_workers_follow_from_the_environment(
    environment, rank, local_workers, monkeypatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    here = trainer(devices=3, num_nodes=2)
    assert here.world == World(rank, 6)
    assert here.local_workers == local_workers


def test_a_step_has_the_images_of_all_processes():
    several = trainer(devices=3, num_nodes=2, batch_size=5, accumulate_batches=2)
    assert several.plan.images_per_step(several.world.size) == 60
    assert several.plan.steps_per_epoch(121, several.world.size) == 3


def test_frozen_parameters_take_the_strategy_that_does_without_their_gradients():
    frozen = {"stem": 1}
    assert trainer()._strategy() == "auto"
    assert trainer(devices=2)._strategy() == "ddp"
    unused = "ddp_find_unused_parameters_true"
    assert trainer(devices=2, freeze_after_epochs=frozen)._strategy() == unused
    assert trainer(devices=2, strategy="ddp", freeze_after_epochs=frozen)._strategy() == "ddp"


def test_every_process_of_a_machine_gets_a_device_of_its_own(monkeypatch):
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert trainer(devices=2).place(cpu) == cpu
    assert trainer(devices=2).place(cuda) == torch.device("cuda:1")
    assert trainer().place(torch.device("cuda:1")) == torch.device("cuda:1")
    with pytest.raises(Refusal, match=r"trainer.devices=3 on device=cuda: this machine has 2 CUDA"):
        trainer(devices=3).place(cuda)
    with pytest.raises(Refusal, match="set device=cuda"):
        trainer(devices=2).place(torch.device("cuda:1"))


def test_losses_are_the_native_engines_step_by_step():
    """With batch norm, dropout, momentum, clipping and accumulation."""
    losses: dict[type[Engine], list[float]] = {Trainer: [], LightningTrainer: []}
    for engine, kept in losses.items():
        run = make_run(
            epochs=3,
            images=18,
            net=net(),
            criterion=Recorded(kept),
            momentum=0.9,
            accumulate_batches=2,
            clip_gradient_norm=0.5,
        )
        several = {} if engine is Trainer else ONE
        run.engine = engine(plan=run.engine.plan, **several)
        torch.manual_seed(0)
        run.fit()
    native, lightning = losses.values()
    assert len(native) == 3 * 5
    assert lightning == pytest.approx(native, rel=1e-6)
    assert native[-1] < native[0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_lightning_leaves_model_and_momentum_on_the_device():
    device = torch.device("cuda", 0)
    run = make_run(net=net(), momentum=0.9, device=device)
    run.engine = trainer(epochs=2)
    run.fit()
    momenta = [state["momentum_buffer"] for state in run.state.optimizer.state.values()]
    assert {tensor.device for tensor in (*run.state.model.parameters(), *momenta)} == {device}


class Recorded(nn.CrossEntropyLoss):
    """Records every training loss."""

    def __init__(self, losses: list[float]) -> None:
        super().__init__()
        self.losses = losses

    def forward(self, logits, labels):
        loss = super().forward(logits, labels)
        if loss.requires_grad:
            self.losses.append(loss.item())
        return loss


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(),
        nn.Linear(16, 3),
    )  # fmt: skip


def test_steps_are_not_captured():
    assert trainer().why_not_captured(torch.device("cuda")) == "Lightning drives the steps"


def trainer(**changes) -> LightningTrainer:
    several = {name: changes.pop(name, value) for name, value in ONE.items()}
    return LightningTrainer(plan=make_plan(**changes), **several)
