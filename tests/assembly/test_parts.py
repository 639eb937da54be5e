"""The trainer's node becomes a plan, a setup and an engine; the schedule is told what was found."""

from __future__ import annotations

import dataclasses

import pytest

from cifar_lab.assembly import parts
from cifar_lab.config.compose import Composer, job_part
from cifar_lab.engine.lightning import LightningTrainer
from cifar_lab.engine.trainer import Trainer


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


@pytest.mark.parametrize(("found", "expected"), [(None, 1.0), (0.25, 0.25)])
def test_a_maximum_that_is_to_be_found_is_one_until_then(found, expected):
    words = ["scheduler=constant", "scheduler.max_lr=find"]
    node = job_part(Composer().compose(words))["scheduler"]
    schedule = parts.schedule(node, epochs=2, steps_per_epoch=3, max_lr=found)
    assert [schedule.learning_rate(step) for step in range(6)] == [expected] * 6
    assert node["max_lr"] == "find"
