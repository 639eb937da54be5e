"""Settings that are each allowed and together make no sense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cifar_lab.nodes import FIND, NO_MIXING


def problems(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Contradictions of a configuration whose values are each right, as (group, sentence)."""
    trainer, dataset = config["trainer"], config["dataset"]
    patience = trainer.get("early_stopping_patience")
    if dataset.get("validation_fraction") == 0 and patience is not None:
        yield (
            "trainer",
            f"trainer.early_stopping_patience={patience} needs validation images, but "
            "dataset.validation_fraction=0; raise the fraction, or set the patience to null",
        )
    if config["scheduler"].get("max_lr") == FIND:
        yield from looking_on_one_device(config)
    mixing = config["mixing"]["_target_"]
    if trainer.get("batch_size") == 1 and mixing != NO_MIXING:
        yield (
            "mixing",
            f"mixing: {mixing.rsplit('.', 1)[-1]} mixes the images of a batch in pairs, but "
            "trainer.batch_size=1; raise it, or take mixing=none",
        )


def looking_on_one_device(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What keeps a configuration from having its learning rate looked for, likewise."""
    trainer = config["trainer"]
    processes = trainer.get("devices", 1) * trainer.get("num_nodes", 1)
    if processes > 1:
        yield (
            "scheduler",
            f"a learning rate is looked for on one device, but {processes} processes take a step "
            "together; give scheduler.max_lr what `cifar-lab find-lr trainer=native "
            f"trainer.batch_size={processes * trainer['batch_size']}` finds",
        )
