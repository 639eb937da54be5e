"""Builds the parts of an experiment in order and collects the problems of each."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import torch

from cifar_lab.assembly import criteria, fitting, parts, sources, updates
from cifar_lab.assembly.attempts import Attempts, Tried
from cifar_lab.assembly.augmentation import augmentation, grey_levels
from cifar_lab.assembly.extending import planned
from cifar_lab.assembly.hooks import try_hook
from cifar_lab.assembly.setup import Setup
from cifar_lab.assembly.weights import fitted
from cifar_lab.data.arrays import Outline
from cifar_lab.engine.engine import Engine
from cifar_lab.engine.lr_finder import RangeTest
from cifar_lab.engine.seeding import seed_everything
from cifar_lab.explain.layers import choose_layers
from cifar_lab.nodes import BALANCED, HOOKS
from cifar_lab.report.options import ReportOptions
from cifar_lab.run.weights import Weights

#: Stands in for unknown properties of the images, so that the other parts can be checked.
ASSUMED = Outline(
    classes=10, image_size=(32, 32), images=50_000, train_images=50_000, mean=(0.5, 0.5, 0.5)
)


def attempted(
    config: dict[str, Any],
    tried: Tried,
    skip: Collection[str] = (),
    load: bool = True,
    weights: Weights | None = None,
) -> Attempts:
    """Build every part whose dependencies could be built, and collect the problems of the rest.

    Args:
        config: as plain values.
        tried: earlier results to reuse.
        skip: groups and root keys that are already known to be wrong.
        load: whether images may be decoded or downloaded.
        weights: to fit to the network, if any.
    """
    attempts = Attempts(tried, set(skip))
    seed = 0 if "seed" in skip else config["seed"]
    engine, setup, device = _machine(attempts, config)
    known = attempts.known = _data(attempts, config, engine, load)
    # Here, so that the draws of the network and of later parts depend on the seed alone and not
    # on anything drawn above.
    seed_everything(seed)
    model = _network(attempts, config, setup, device, known)
    if weights is not None:
        attempts("weights", fitted, lambda: [model, weights, known.classes], ("model",))
    _augmentation(attempts, config, setup, seed, known)
    attempts(
        "freezing",
        fitting.refuse_idle_freezing,
        lambda: [engine.plan.freeze_after_epochs, model],
        ("trainer", "model"),
    )
    attempts("mixing", parts.mixing, lambda: [config["mixing"]])
    attempts(
        "criterion",
        criteria.criterion,
        lambda: [
            config["criterion"],
            known.classes,
            # Only where they matter, as they may become known late.
            known.class_counts if BALANCED in config["criterion"].values() else None,
            device,
        ],
        ("place",),
    )
    _updates(attempts, config, engine, setup, model, known)
    attempts("lr_finder", parts.made, lambda: [RangeTest, config["lr_finder"]])
    report = attempts("report", parts.made, lambda: [ReportOptions, config["report"]])
    attempts(
        "gradcam_layers",
        choose_layers,
        lambda: [model, known.image_size, report.gradcam_layer],
        ("report", "model"),
    )
    if HOOKS not in skip:
        _try_hooks(attempts, config)
    return attempts


def _try_hooks(attempts: Attempts, config: dict[str, Any]) -> None:
    """Try each hook of the configuration."""
    for name, node in config.get(HOOKS, {}).items():
        inputs = [name, node, attempts.known]
        attempts(f"{HOOKS}.{name}", try_hook, partial(list, inputs))


def _machine(attempts: Attempts, config: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Build the engine, the setup and the device of this process."""
    named = attempts("device", parts.device, lambda: [config["device"]])
    trainer = attempts("trainer", parts.trainer, lambda: [config["trainer"]])
    engine, setup = trainer or (None, None)
    return engine, setup, attempts("place", _place, lambda: [engine, named], ("trainer", "device"))


def _place(engine: Engine, device: torch.device) -> torch.device:
    return engine.place(device)


def _data(attempts: Attempts, config: dict[str, Any], engine: Any, load: bool) -> Outline:
    """Return what is known about the images, with assumed values for the rest."""
    source = attempts("dataset", sources.found, lambda: [config["dataset"]])
    dataset = attempts("dataset", sources.images, lambda: [source, load or source.at_hand()])
    known = source if dataset is None else dataset
    outline = Outline() if known is None else known.outline()
    attempts(
        "batch",
        fitting.refuse_large_batch,
        lambda: [engine.plan, engine.world.size, outline.train_images],
        ("trainer", "dataset"),
    )
    attempts(
        "sizes",
        fitting.refuse_image_sizes,
        lambda: [engine.plan, outline.image_size],
        ("trainer", "dataset"),
    )
    attempts(
        "evaluated",
        fitting.refuse_nothing_evaluated,
        lambda: [config["evaluate_test"], outline.validated],
        ("dataset", "evaluate_test"),
    )
    return outline.or_else(ASSUMED)


def _network(
    attempts: Attempts, config: dict[str, Any], setup: Any, device: Any, known: Outline
) -> Any:
    def inputs() -> list[Any]:
        node, size = config["model"], known.image_size
        return [node, known.classes, parts.size_for(node, size), setup.channels_last, device]

    return attempts("model", parts.model, inputs, ("place",))


def _augmentation(
    attempts: Attempts, config: dict[str, Any], setup: Setup | None, seed: int, known: Outline
) -> None:
    def inputs() -> list[Any]:
        steps = config["augmentation"]["train"]
        assert known.mean is not None, "ASSUMED provides it"
        levels = grey_levels(steps, known.mean)
        lowered = setup is None or setup.lowered_augmentation
        return [steps, levels, seed, known.images, known.image_size, lowered]

    attempts("augmentation", augmentation, inputs)


def _updates(
    attempts: Attempts, config: dict[str, Any], engine: Any, setup: Any, model: Any, known: Outline
) -> None:
    """Build the optimizer and the schedule; refuse values that need a longer run."""
    attempts(
        "optimizer",
        updates.optimizer,
        lambda: [
            config["optimizer"],
            model,
            known.classes,
            setup.fused_optimizer,
            setup.head_lr_factor,
        ],
        ("model", "trainer"),
    )

    def steps() -> int:
        found: int = engine.plan.steps_per_epoch(known.train_images, engine.world.size)
        return found

    attempts(
        "end", fitting.refuse_endless_run, lambda: [engine.plan, steps()], ("trainer", "batch")
    )
    attempts(
        "length",
        fitting.refuse_values_beyond_the_run,
        lambda: [engine.plan, engine.plan.epochs * steps()],
        ("trainer", "end"),
    )
    attempts(
        "scheduler",
        planned,
        lambda: [config, engine.plan.epochs, steps()],
        ("trainer", "optimizer", "end"),
    )
    attempts(
        "momentum",
        fitting.refuse_no_momentum,
        lambda: [attempts.parts["scheduler"], attempts.parts["optimizer"]],
        ("scheduler", "optimizer"),
    )
