"""``train``: the run, from its first step to its report."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cifar_lab.assembly import Experiment
from cifar_lab.engine.hooks import HookList, Hooks
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.engine.state import TrainingState
from cifar_lab.models.summary import summarise
from cifar_lab.nodes import described, type_name
from cifar_lab.recipe.find_lr import found_max_lr
from cifar_lab.recipe.processes import companions
from cifar_lab.recipe.read import draw_report, predict_test, refuse_other_images
from cifar_lab.refusal import Refusal
from cifar_lab.run.checkpoint import (
    load_checkpoint,
    load_evaluated_weights,
    refuse_other_model,
)
from cifar_lab.run.console import Progress, logged_to
from cifar_lab.run.files import read_json, write_atomically, write_json
from cifar_lab.run.find import point_latest
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.origin import Origin
from cifar_lab.run.profiler import Profiler
from cifar_lab.run.provenance import provenance
from cifar_lab.run.records import Recorder, read_metrics, save_predictions
from cifar_lab.run.status import recorded, state_of
from cifar_lab.run.summary import summary
from cifar_lab.run.work import WorkMeter, described_work

log = logging.getLogger("cifar_lab")


def run_experiment(
    experiment: Experiment, folder: RunFolder, origin: Origin, resume: bool = False
) -> dict[str, Any]:
    """Trains, evaluates and reports one experiment in its folder.

    Args:
        experiment: built, untrained.
        folder: claimed by this run.
        origin: how the run was asked for; a resumed one keeps what it was begun with.
        resume: take up the folder's last checkpoint.

    Returns:
        The summary, as written to summary.json.
    """
    stop = StopRequest()
    with stop.listening(), logged_to(folder), recorded(folder):
        state = _begin(experiment, folder, origin, resume)
        if experiment.finds_max_lr:
            experiment = found_max_lr(experiment, folder)
        meter = WorkMeter(experiment.learner.device) if experiment.measure_work else None
        with companions(experiment):
            failure = experiment.trainer.fit(
                experiment.learner,
                experiment.loaders,
                experiment.schedule,
                state,
                _hooks(experiment, folder, meter),
                stop,
            )
        if failure is not None:
            made_with = read_json(folder.provenance)
            write_json(folder.provenance, made_with | {"fast_path": experiment.fast_path(failure)})
        epoch = load_evaluated_weights(
            folder.best_checkpoint, experiment.learner.model, experiment.learner.device
        )
        evaluation_started = time.monotonic()
        logits, test = predict_test(experiment)
        evaluation_seconds = time.monotonic() - evaluation_started
        save_predictions(folder.predictions, logits, experiment.dataset.source.test)
        result = _summary(experiment, folder, state.stopped, epoch, logits, test)
        result["evaluation_seconds"] = evaluation_seconds
        if meter is not None:
            result["work"] = meter.result(result["training_seconds"] + evaluation_seconds)
        write_json(folder.summary, result)
        _say_result(result)
        if experiment.report.enabled:
            draw_report(experiment, folder, fresh=True)
    return result


def predict_test_plainly(experiment: Experiment) -> LossAndAccuracy | None:
    """Metrics without test-time flips; None where there are none."""
    learner = experiment.learner
    if not learner.test_time_flips:
        return None
    return learner.predict(experiment.loaders.test, learner.model, flips=False)[1].result()


def refuse_unresumable(folder: RunFolder) -> None:
    """A run that is done, or still runs, cannot be resumed.

    Raises:
        Refusal: it is one of these.
    """
    state = state_of(folder)
    if state == "done":
        raise Refusal(f"{folder.path} is done; `cifar-lab rerun` begins it anew")
    if state == "running":
        raise Refusal(f"{folder.path} still runs, in another process")


def _begin(
    experiment: Experiment, folder: RunFolder, origin: Origin, resume: bool
) -> TrainingState:
    learner = experiment.learner
    state = TrainingState(
        learner.model, experiment.optimizer, experiment.trainer.ema_decay, learner.device
    )
    if resume and folder.last_checkpoint.is_file():
        # Sums in another order end in other last bits: compute with as many threads as before.
        made_with = read_json(folder.provenance)
        refuse_other_images(experiment, folder, made_with)
        torch.set_num_threads(made_with["threads"])
        contents = load_checkpoint(folder.last_checkpoint, learner.device)
        refuse_other_model(folder.last_checkpoint, contents["model"], learner.model)
        state.load_state_dict(contents)
        log.info(f"resuming {folder.path} after epoch {state.epoch}, batch {state.batches_done}")
        return state
    size = summarise(learner.model, experiment.dataset.image_size)
    write_atomically(folder.model_table, size.table_at(experiment.trainer.batch_size) + "\n")
    record = provenance(
        origin=origin,
        config=experiment.config,
        seed=experiment.seed,
        device=learner.device,
        processes=experiment.trainer.world.size,
        precision=learner.precision,
        fast_path=experiment.fast_path(),
        fingerprint=experiment.dataset.source.fingerprint,
    )
    if experiment.max_lr_found is not None:  # resumed before its first checkpoint
        record["max_lr_found"] = experiment.max_lr_found
    write_json(folder.provenance, record)
    log.info(f"run: {folder.path}")
    log.info(
        f"{type(learner.model).__name__}, {size.parameters:,} parameters, on {learner.device} "
        f"({record['device_name']}, {record['threads']} threads) in {learner.precision}; "
        f"{len(experiment.dataset.train_indices):,} training, "
        f"{len(experiment.dataset.val_indices):,} validation, "
        f"{len(experiment.dataset.source.test):,} test images"
    )
    log.info("; ".join(f"{piece}: {how}" for piece, how in record["fast_path"].items()))
    return state


def _hooks(experiment: Experiment, folder: RunFolder, meter: WorkMeter | None) -> Hooks:
    trainer = experiment.trainer
    hooks: list[Hooks] = [
        Recorder(folder, trainer.background_checkpoints),
        Progress(trainer.batch_size),
    ]
    if experiment.profile_batches is not None:
        hooks.append(Profiler(folder, experiment.profile_batches))
    if meter is not None:
        hooks.append(meter)
    return HookList(*hooks)


def _summary(
    experiment: Experiment,
    folder: RunFolder,
    stopped: str | None,
    reported_epoch: int,
    logits: NDArray[np.float32],
    test: LossAndAccuracy,
) -> dict[str, Any]:
    arrays = experiment.dataset.source.test
    return summary(
        parts={
            "name": experiment.name,
            "dataset": type_name(experiment.config["dataset"]),
            "model": described(experiment.config["model"]),
        },
        size=summarise(experiment.learner.model, experiment.dataset.image_size),
        rows=read_metrics(folder.metrics),
        validated=experiment.loaders.val is not None,
        epochs_planned=experiment.trainer.epochs,
        stopped=stopped,
        reported_epoch=reported_epoch,
        logits=logits,
        labels=arrays.labels,
        class_names=arrays.class_names,
        test=test,
        test_without_flips=predict_test_plainly(experiment),
    )


def _say_result(result: dict[str, Any]) -> None:
    test = result["test"]
    log.info(
        f"test accuracy {test['accuracy']:.2%}, loss {test['loss']:.4f} ({test['count']:,} images) "
        f"of epoch {result['reported_epoch']}: {result['reported_because']}"
    )
    if result["test_without_flips"] is not None:
        plain = result["test_without_flips"]["accuracy"]
        log.info(
            f"that is with the logits of image and mirror image averaged; without: {plain:.2%}"
        )
    if "work" in result:
        log.info(described_work(result["work"]))


def remember_latest(folder: RunFolder, outputs: Path) -> None:
    """Points ``outputs/latest`` at a run below it."""
    if outputs.resolve() in folder.path.resolve().parents:
        point_latest(outputs, folder.path)
