"""``train``: a run from its first step to its report."""

from __future__ import annotations

import logging
import time

import numpy as np

from cifar_lab.assembly import Experiment
from cifar_lab.data.loaders import EvalLoader
from cifar_lab.engine.hooks import HookList, Hooks
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.engine.state import TrainingState
from cifar_lab.models.summary import summarise
from cifar_lab.nodes import described, type_name
from cifar_lab.recipe.find_lr import found_max_lr
from cifar_lab.recipe.open import refuse_other_images
from cifar_lab.recipe.processes import worker_processes
from cifar_lab.recipe.read import draw_report, predict_test
from cifar_lab.run.checkpoint import (
    load_checkpoint,
    load_evaluated_weights,
    refuse_other_model,
)
from cifar_lab.run.console import Progress, logged_to
from cifar_lab.run.data import described_data
from cifar_lab.run.files import write_atomically, write_object
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.origin import Origin
from cifar_lab.run.predictions import Predictions, SplitPredictions, write_predictions
from cifar_lab.run.profiler import Profiler
from cifar_lab.run.provenance import collected
from cifar_lab.run.record import Run
from cifar_lab.run.records import Recorder
from cifar_lab.run.status import recorded
from cifar_lab.run.summary import Summary, summarised
from cifar_lab.run.work import WorkMeter, described_work
from cifar_lab.wording import first_sentence

log = logging.getLogger("cifar_lab")


def run_experiment(experiment: Experiment, run: Run, origin: Origin, stop: StopRequest) -> Summary:
    """Train, evaluate and report an experiment in its folder, from its last checkpoint if any.

    Args:
        experiment: built, untrained.
        run: a new run whose folder is claimed, or an interrupted one to continue.
        origin: how the run was started; a resumed run keeps its original one.
        stop: tells whether a stop was requested.
    """
    folder = run.folder
    with logged_to(folder), recorded(folder):
        state = TrainingState(
            experiment.learner.model,
            experiment.optimizer,
            experiment.plan.ema_decay,
            experiment.learner.device,
        )
        if folder.last_checkpoint.is_file():
            _load_last_checkpoint(experiment, run, state)
        else:
            _begin(experiment, folder, origin)
        if experiment.finds_max_lr:
            experiment = found_max_lr(experiment, folder)
        meter = WorkMeter(experiment.learner.device) if experiment.measure_work else None
        with worker_processes(experiment):
            failure = experiment.engine.fit(
                experiment.learner,
                experiment.loaders,
                experiment.schedule,
                state,
                _hooks(experiment, folder, meter),
                stop,
            )
        result = _evaluate(experiment, run, state.stopped, failure, meter)
        _log_result(result)
        if experiment.report.enabled:
            _report(experiment, run)
    return result


def _report(experiment: Experiment, run: Run) -> None:
    """Draw the report; if that fails, the run is done all the same, and its result is written."""
    try:
        draw_report(experiment, run, fresh=True)
    except Exception as error:  # whatever happens, training has ended well
        log.warning(
            f"the report could not be written: {type(error).__name__}: {first_sentence(error)}; "
            "the run is done and its results are saved; write the report with "
            f"`cifar-lab report {run.folder.path}`"
        )


def _load_last_checkpoint(experiment: Experiment, run: Run, state: TrainingState) -> None:
    learner, path = experiment.learner, run.folder.last_checkpoint
    refuse_other_images(experiment, run)
    contents = load_checkpoint(path, learner.device)
    refuse_other_model(path, contents["model"], learner.model)
    state.load_state_dict(contents)
    log.info(f"continuing {run.folder.path} after epoch {state.epoch}, batch {state.batches_done}")


def _begin(experiment: Experiment, folder: RunFolder, origin: Origin) -> None:
    """Write the model table, the data description and the provenance; log a short form."""
    learner, dataset = experiment.learner, experiment.dataset
    size = summarise(learner.model, dataset.image_size)
    write_atomically(folder.model_table, size.table_at(experiment.plan.batch_size) + "\n")
    provenance = collected(
        origin=origin,
        config=experiment.config,
        seed=experiment.seed,
        device=learner.device,
        processes=experiment.engine.world.size,
        precision=learner.precision,
        fast_path=experiment.fast_path(),
        fingerprint=dataset.source.fingerprint,
    )
    write_object(folder.data, described_data(dataset))
    write_object(folder.provenance, provenance)
    log.info(f"run: {folder.path}")
    log.info(
        f"{type(learner.model).__name__}, {size.parameters:,} parameters, on {learner.device} "
        f"({provenance.device_name}, {provenance.threads} threads) in {learner.precision}; "
        f"{len(dataset.train_indices):,} training, {len(dataset.val_indices):,} validation, "
        f"{len(dataset.source.test):,} test images"
    )
    log.info("; ".join(f"{piece}: {how}" for piece, how in provenance.fast_path.items()))


def _hooks(experiment: Experiment, folder: RunFolder, meter: WorkMeter | None) -> Hooks:
    hooks: list[Hooks] = [
        Recorder(folder, experiment.setup.background_checkpoints),
        Progress(experiment.plan.batch_size),
    ]
    if experiment.profile_batches is not None:
        hooks.append(Profiler(folder, experiment.profile_batches))
    if meter is not None:
        hooks.append(meter)
    return HookList(*hooks)


def _evaluate(
    experiment: Experiment,
    run: Run,
    stopped: str | None,
    failure: str | None,
    meter: WorkMeter | None,
) -> Summary:
    """Evaluate the reported checkpoint; write predictions and summary.

    Args:
        experiment: trained.
        run: its metrics have been written.
        stopped: why training ended early; None if it did not.
        failure: why steps ran eagerly although they should have been captured; None if they did
            not.
        meter: measures the work; None if it is not measured.
    """
    learner, folder = experiment.learner, run.folder
    epoch = load_evaluated_weights(folder.best_checkpoint, learner.model, learner.device)
    started = time.monotonic()
    logits, test = predict_test(experiment)
    seconds = time.monotonic() - started
    arrays = experiment.dataset.source.test
    of_test = SplitPredictions(logits, arrays.labels, arrays.sample_ids)
    write_predictions(folder.predictions, Predictions(of_test, _validation_predictions(experiment)))
    size = summarise(learner.model, experiment.dataset.image_size)
    training_seconds = sum(row["epoch_seconds"] for row in run.metrics)
    result = summarised(
        name=experiment.name,
        dataset=type_name(experiment.config["dataset"]),
        model=described(experiment.config["model"]),
        parameters=size.parameters,
        multiply_adds=size.multiply_adds,
        rows=run.metrics,
        validated=experiment.loaders.val is not None,
        epochs_planned=experiment.plan.epochs,
        stopped=stopped,
        reported_epoch=epoch,
        logits=logits,
        labels=arrays.labels,
        class_names=arrays.class_names,
        test=test,
        test_without_flips=_without_flips(experiment),
        evaluation_seconds=seconds,
        work=None if meter is None else meter.result(training_seconds + seconds),
        eager_because=failure,
    )
    write_object(folder.summary, result)
    return result


def _validation_predictions(experiment: Experiment) -> SplitPredictions | None:
    """Return the model's predictions on the validation split; None if there is no such split."""
    loader: EvalLoader | None = experiment.loaders.val
    if loader is None:
        return None
    logits, _ = experiment.learner.predict(loader, experiment.learner.model)
    train, rows = experiment.dataset.source.train, experiment.dataset.val_indices
    return SplitPredictions(
        logits.cpu().numpy(), np.asarray(train.labels[rows]), np.asarray(train.sample_ids[rows])
    )


def _without_flips(experiment: Experiment) -> LossAndAccuracy | None:
    """Return the test metrics without test-time flips; None if no flips are used."""
    learner = experiment.learner
    if not learner.test_time_flips:
        return None
    return learner.predict(experiment.loaders.test, learner.model, flips=False)[1].result()


def _log_result(result: Summary) -> None:
    test = result.test
    log.info(
        f"test accuracy {test.accuracy:.2%}, loss {test.loss:.4f} ({test.count:,} images) "
        f"at epoch {result.reported_epoch}: {result.reported_because}"
    )
    if result.test_without_flips is not None:
        plain = result.test_without_flips.accuracy
        log.info(f"this is with test-time flip averaging; without it: {plain:.2%}")
    if result.work is not None:
        log.info(described_work(result.work))
