"""``extend``: trains a finished run for more epochs, as a new run."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection, Sequence
from typing import Any

from cifar_lab.config.saved import extended
from cifar_lab.nodes import PLACES
from cifar_lab.own_code import Given
from cifar_lab.recipe.launch import Listening, built, rerun, start
from cifar_lab.recipe.starting import parent_run
from cifar_lab.refusal import Refusal
from cifar_lab.results.recorded import experiment_hash
from cifar_lab.run.origin import Parent
from cifar_lab.run.record import Run
from cifar_lab.run.weights import hash_of

#: What may change while the same network learns on: keys, and groups with all of their keys.
MAY_CHANGE = (
    "trainer.epochs", "trainer.limit_epochs", "trainer.limit_batches", "trainer.max_minutes",
    "trainer.early_stopping_patience", "trainer.batch_size", "trainer.eval_batch_size",
    "trainer.accumulate_batches", "trainer.clip_gradient_norm", "trainer.freeze_after_epochs",
    "trainer.image_sizes",
    "trainer.test_every_epoch", "trainer.workers", "trainer.resident_data",
    "trainer.lowered_augmentation", "trainer.captured_step", "trainer.background_checkpoints",
    "trainer.keep_freed_memory", "trainer.compile",
    "scheduler", "lr_finder", "optimizer.lr", "optimizer.weight_decay", "augmentation", "mixing",
    "report", "hooks", "hydra", "name", "evaluate_test", "profile_batches", "measure_work",
    *PLACES,
)  # fmt: skip


def extend(run: Run, overrides: Sequence[str], given: Given, listening: Listening) -> None:
    """Continue a finished run's training in a new run, which names it as its parent.

    Weights, average, optimizer state and random states are those of the parent's last checkpoint.
    Epochs count on, and the schedule spans the added ones.

    Args:
        run: the parent.
        overrides: what changes: at least the epochs, the total, and the scheduler.
        given: whose Python files and options to use.
        listening: entered around the run.

    Raises:
        Refusal: with every problem; nothing was written.
    """
    problems = [*_unfit(run), *_wrong_changes(run, overrides)]
    if problems:
        raise Refusal(problems)
    parent = _as_parent(run)
    composer, found, _ = rerun(run, overrides, given)
    extended(found, dataclasses.asdict(parent))
    _refuse_nothing_to_train(found.job()["trainer"], parent, found.groups)
    command = shlex.join(["cifar-lab", "extend", str(run.folder.path), *overrides])
    start(composer, found, built(found), command, listening)


def lead(run: Run, overrides: Sequence[str]) -> str:
    """Return the command that trains a finished run for more epochs, with what it needs added."""
    words = [*overrides]
    for key, example in (("trainer.epochs", None), ("scheduler", "cosine")):
        if key not in _keys(words):
            value = example or str(2 * int(run.config["trainer"]["epochs"]))
            words.append(f"{key}={value}")
    return shlex.join(["cifar-lab", "extend", str(run.folder.path), *words])


def may_change(key: str) -> bool:
    """Whether a run that extends another may have another value of this key."""
    return any(key == each or key.startswith(f"{each}.") for each in MAY_CHANGE)


def _unfit(run: Run) -> list[str]:
    """Return why a run cannot be extended, if so."""
    path, state = run.folder.path, run.state
    if state == "running":
        return [f"{path} is still running in another process; extend it when it is done"]
    if state == "failed" and run.finished:
        return [
            f"{path} failed, so there is nothing to continue; run it again with other values: "
            f"`cifar-lab rerun {path}`"
        ]
    if state != "done":
        return [f"{path} is not done yet; finish it first with `cifar-lab resume {path}`"]
    if not run.folder.last_checkpoint.is_file():
        return [
            f"{path} no longer has its last checkpoint, which holds the optimizer's state "
            "(`cifar-lab prune` deletes it); start a new training from its weights with "
            f"`cifar-lab train … model.weights={path}`"
        ]
    return []


def _wrong_changes(run: Run, overrides: Sequence[str]) -> list[str]:
    """Return what may not change, and what must."""
    path, keys = run.folder.path, _keys(overrides)
    problems = [
        f"{key}: `cifar-lab extend` continues the training of the same network on the same "
        f"images, so this cannot change; start a new training from its weights with "
        f"`cifar-lab train … model.weights={path}`, or repeat it with `cifar-lab rerun {path}`"
        for key in keys
        if not may_change(key)
    ]
    if "trainer.epochs" not in keys:
        problems.append(
            "trainer.epochs must be given: the total, including the "
            f"{run.summary.epochs_trained} epochs so far, e.g. "
            f"`{lead(run, [o for o in overrides if may_change(_keys([o])[0])])}`"
        )
    if "scheduler" not in keys:
        problems.append(
            "scheduler must be given, since the learning rate of the finished run has come to its "
            "end: the new one spans the added epochs, e.g. scheduler=cosine or scheduler=constant "
            "scheduler.max_lr=0.001"
        )
    return problems


def _as_parent(run: Run) -> Parent:
    completed = run.summary.epochs_trained
    checkpoint = hash_of(run.folder.last_checkpoint)
    recipe = experiment_hash(run.config)
    parent = Parent(str(run.folder.path), run.id, completed, checkpoint, recipe)
    parent_run(parent)
    return parent


def _refuse_nothing_to_train(
    trainer: dict[str, Any], parent: Parent, wrong: Collection[str]
) -> None:
    if "trainer" in wrong:  # told with all other problems
        return
    problems = [
        f"trainer.{key}={trainer[key]}: {parent.run} has completed {parent.epochs} epochs; "
        f"{'choose more: it is the total' if key == 'epochs' else 'choose more, or null'}"
        for key in ("epochs", "limit_epochs")
        if trainer.get(key) is not None and trainer[key] <= parent.epochs
    ]
    if problems:
        raise Refusal(problems)


def _keys(overrides: Sequence[str]) -> list[str]:
    return [text.partition("=")[0].strip().lstrip("+~") for text in overrides]
