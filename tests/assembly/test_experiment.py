"""An experiment, and what a run's configuration gives: its network and a readable form."""

from __future__ import annotations

import pytest
import torch

from cifar_lab import assembly
from cifar_lab.config.compose import Composer, job_part
from cifar_lab.refusal import Refusal

WORDS = [
    "dataset=digits", "model.width=4", "trainer.epochs=3", "trainer.batch_size=100", "device=cpu",
    "trainer.precision=float32", "trainer.limit_epochs=1",
]  # fmt: skip


def job(*words):
    return job_part(Composer().compose([*WORDS, *words]))


def test_the_maximum_that_was_found_changes_the_schedule_alone():
    experiment = assembly.experiment(job("scheduler.max_lr=find"))
    assert experiment.finds_max_lr
    found = experiment.with_max_lr(0.5)
    assert (found.finds_max_lr, found.max_lr_found) == (False, 0.5)
    given = assembly.experiment(job("scheduler.max_lr=0.5")).schedule
    assert found.schedule == given
    assert given.total_steps == 3 * 13  # of 1,293 images
    changed = {"schedule", "max_lr_found"}
    assert all(vars(found)[k] is v for k, v in vars(experiment).items() if k not in changed)


def test_plan_setup_and_engine_are_those_of_the_trainers_node():
    experiment = assembly.experiment(job("trainer.background_checkpoints=false"))
    assert experiment.plan is experiment.engine.plan
    assert (experiment.plan.epochs, experiment.plan.epochs_to_train) == (3, 1)
    assert experiment.loaders.train.batch_size == experiment.plan.batch_size == 100
    fast = experiment.fast_path("no graph")
    assert (fast["checkpoints"], fast["step"]) == (
        "in the training thread",
        "eager: the device is cpu",
    )


@pytest.mark.parametrize("channels_last", [True, False])
def test_a_network_alone_is_that_of_the_experiment(channels_last):
    config = job("seed=5", f"trainer.channels_last={channels_last}")
    alone = assembly.network(config, 10, (32, 32), torch.device("cpu"))
    whole = assembly.experiment(config).learner.model
    for name, value in whole.state_dict().items():
        assert torch.equal(alone.state_dict()[name], value)
        assert alone.state_dict()[name].stride() == value.stride()


def test_a_run_is_read_in_its_precision_and_where_its_device_is_not_on_another():
    config = job("device=cuda:99")
    read = assembly.readable(config, "bfloat16")
    assert read["device"] == "auto"
    assert read["trainer"] == config["trainer"] | {"precision": "bfloat16"}
    assert config["trainer"]["precision"] == "float32"
    assert assembly.readable(job(), "float32") == job()


def test_a_device_that_is_asked_for_is_not_replaced():
    with pytest.raises(Refusal, match="device=tpu: must be auto, cpu"):
        assembly.readable({**job(), "device": "tpu"}, "float32", device_stated=True)
