"""The trainer's node becomes a plan, a setup and an engine."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from cifar_lab.assembly import parts
from cifar_lab.config.compose import Composer, job_part
from cifar_lab.engine.lightning import LightningTrainer
from cifar_lab.engine.trainer import Trainer
from cifar_lab.refusal import Refusal


@pytest.mark.parametrize(("option", "kind"), [("native", Trainer), ("lightning", LightningTrainer)])
def test_every_value_of_the_node_is_in_one_of_the_three(option, kind):
    words = [f"trainer={option}", "trainer.epochs=7", "trainer.precision=float32",
             "+trainer.freeze_after_epochs.stem=2", "trainer.workers=3"]  # fmt: skip
    node = job_part(Composer().compose(words))["trainer"]
    engine, setup = parts.trainer(node)
    assert type(engine) is kind
    of_engine = {f.name: getattr(engine, f.name) for f in dataclasses.fields(engine)}
    del of_engine["plan"]
    values = [vars(engine.plan), vars(setup), of_engine]
    assert sum(map(len, values)) == len(node) - 1
    assert values[0] | values[1] | values[2] == {k: node[k] for k in node.keys() - {"_target_"}}
    assert engine.plan.freeze_after_epochs == {"stem": 2}


def test_what_the_engine_does_not_take_is_refused():
    node = job_part(Composer().compose([]))["trainer"]
    with pytest.raises(TypeError, match="momentum"):
        parts.trainer(node | {"momentum": 3})


def test_a_processor_has_no_number_and_a_device_that_does_not_exist_is_refused():
    assert parts.device("cpu") == torch.device("cpu")
    for name in ("cpu:3", "cpu:0", "tpu", "meta", "cuda:", "cuda:x", ""):
        with pytest.raises(Refusal, match=f"device={name}: must be auto, cpu, cuda, or cuda:N"):
            parts.device(name)
    with pytest.raises(Refusal, match="device=cuda:99 does not exist: this machine has"):
        parts.device("cuda:99")


def test_a_device_is_tried_before_it_is_used(monkeypatch):
    def busy(*_, **__):
        raise RuntimeError("all devices are busy\nlong explanation")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch, "ones", busy)
    with pytest.raises(Refusal, match="device=cuda cannot be used: all devices are busy; set"):
        parts.device("cuda")


@pytest.mark.parametrize(("name", "number"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_a_cuda_device_has_the_number_that_its_tensors_have(name, number, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch, "ones", lambda *_, **__: torch.zeros(1))
    assert parts.device(name) == torch.device("cuda", number)
