"""Settings that are each valid but contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cifar_lab.nodes import FIND, NO_MIXING

#: torch's optimizer that adapts a step size for each weight from its sign alone.
RPROP = "Rprop"


def problems(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield contradictions between values that are each valid, as (group, sentence)."""
    trainer, dataset = config["trainer"], config["dataset"]
    patience = trainer.get("early_stopping_patience")
    if dataset.get("validation_fraction") == 0 and patience is not None:
        yield (
            "trainer",
            f"trainer.early_stopping_patience={patience} needs validation images, but "
            "dataset.validation_fraction=0; increase the fraction, or set the patience to null",
        )
    if config["scheduler"].get("max_lr") == FIND:
        yield from single_device_search(config)
    if config.get("extends") is not None and config["model"].get("weights") is not None:
        yield (
            "extends",
            f"model.weights={config['model']['weights']}: the run extends "
            f"{config['extends']['run']}, whose weights it starts from; set model.weights=null, or "
            "~extends to start a new training",
        )
    if RPROP in (config["optimizer"].get("name"), _name(config["optimizer"])):
        yield from _without_effect(_name(config["scheduler"]))
    mixing = config["mixing"]["_target_"]
    if trainer.get("batch_size") == 1 and mixing != NO_MIXING:
        yield (
            "mixing",
            f"mixing: {mixing.rsplit('.', 1)[-1]} mixes the images of a batch in pairs, but "
            "trainer.batch_size=1; increase it, or use mixing=none",
        )


def _without_effect(schedule: str) -> Iterator[tuple[str, str]]:
    """Yield a problem if a schedule is to change a learning rate that is used once."""
    if schedule != "Constant":
        yield (
            "scheduler",
            f"scheduler: {schedule} has no effect, because {RPROP} uses its learning rate in the "
            "first step only; choose scheduler=constant, or another optimizer",
        )


def _name(node: dict[str, Any]) -> str:
    return str(node["_target_"]).rsplit(".", 1)[-1]


def single_device_search(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a problem if several processes train, because the search uses a single device."""
    trainer = config["trainer"]
    processes = trainer.get("devices", 1) * trainer.get("num_nodes", 1)
    if processes > 1:
        yield (
            "scheduler",
            f"the learning rate search runs on one device, but {processes} processes train "
            "together; set scheduler.max_lr to the value that `cifar-lab find-lr trainer=native "
            f"trainer.batch_size={processes * trainer['batch_size']}` finds",
        )
