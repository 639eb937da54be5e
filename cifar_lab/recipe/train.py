"""``train``: a run from its first step to its report."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from math import isfinite

import numpy as np

from cifar_lab.assembly import Experiment
from cifar_lab.data.duplicates import copies, trained_on
from cifar_lab.data.loaders import EvalLoader
from cifar_lab.engine.fit import REMEDIES, NonFinite
from cifar_lab.engine.hooks import HookList, Hooks, Row
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.engine.state import TrainingState
from cifar_lab.models.summary import summarise
from cifar_lab.nodes import described, type_name
from cifar_lab.recipe.failures import explained_failures
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
from cifar_lab.run.files import object_text
from cifar_lab.run.origin import Origin
from cifar_lab.run.predictions import Predictions, SplitPredictions, packed_predictions
from cifar_lab.run.profiler import Profiler
from cifar_lab.run.provenance import collected
from cifar_lab.run.record import Run
from cifar_lab.run.records import Recorder, completed_rows
from cifar_lab.run.status import recorded
from cifar_lab.run.store import Store
from cifar_lab.run.summary import Summary, summarised
from cifar_lab.run.work import WorkMeter, described_work
from cifar_lab.wording import first_sentence, plural

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
    with (
        logged_to(folder),
        recorded(folder),
        explained_failures(folder, origin.command),
    ):
        state = TrainingState(
            experiment.learner.model,
            experiment.optimizer,
            experiment.plan.ema_decay,
            experiment.learner.device,
            experiment.plan.ema_warmup,
        )
        rows: list[Row] = []
        if run.files.has(folder.last_checkpoint):
            rows = _load_last_checkpoint(experiment, run, state)
        else:
            _begin(experiment, run, origin)
        if experiment.finds_max_lr:
            experiment = found_max_lr(experiment, run.files)
        meter = WorkMeter(experiment.learner.device) if experiment.measure_work else None
        hooks = _hooks(experiment, run.files, rows, meter)
        failure, not_finite = _trained(experiment, state, hooks, stop)
        folder.require()
        result = _evaluate(experiment, run, state.stopped, failure, meter)
        _log_result(result)
        if experiment.report.enabled:
            _report(experiment, run)
        _refuse_not_finite(result, not_finite)
    return result


def _trained(
    experiment: Experiment, state: TrainingState, hooks: Hooks, stop: StopRequest
) -> tuple[str | None, NonFinite | None]:
    """Train; return why steps ran eagerly, if they should not, and what is no longer finite.

    A run that has failed is evaluated and reported all the same, to see how it went.
    """
    learner, loaders, schedule = experiment.learner, experiment.loaders, experiment.schedule
    with worker_processes(experiment):
        try:
            failure = experiment.engine.fit(learner, loaders, schedule, state, hooks, stop)
        except NonFinite as error:
            log.error(f"{error}")
            return None, error
    return failure, None


def _refuse_not_finite(result: Summary, failed: NonFinite | None) -> None:
    """Let the run fail if its training did, or if its result is not finite."""
    if failed is not None:
        raise failed
    if not isfinite(result.test.loss):
        raise NonFinite(
            f"the test loss of epoch {result.reported_epoch} is not finite, at the last of "
            f"{result.epochs_trained} epochs; {REMEDIES}"
        )


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


def _load_last_checkpoint(experiment: Experiment, run: Run, state: TrainingState) -> list[Row]:
    """Load the state to continue from; return the rows of the completed epochs."""
    learner, path = experiment.learner, run.folder.last_checkpoint
    refuse_other_images(experiment, run)
    contents = load_checkpoint(path, learner.device, run.files)
    run.files.expect(run.folder.best_checkpoint)  # needed after training: better told now
    refuse_other_model(path, contents["model"], learner.model)
    rows = completed_rows(run.files, contents)
    state.load_state_dict(contents)
    log.info(f"continuing {run.folder.path} after epoch {state.epoch}, batch {state.batches_done}")
    return rows


def _begin(experiment: Experiment, run: Run, origin: Origin) -> None:
    """Write the model table, the data description and the provenance; log a short form."""
    learner, dataset = experiment.learner, experiment.dataset
    size = summarise(learner.model, dataset.image_size)
    provenance = collected(
        origin=origin,
        config=experiment.config,
        seed=experiment.seed,
        device=learner.device,
        processes=experiment.engine.world.size,
        precision=learner.precision,
        precision_probe=experiment.precision_probe,
        fast_path=experiment.fast_path(),
        fingerprint=dataset.source.fingerprint,
    )
    folder = run.folder
    run.files.write(
        {
            folder.model_table: size.table_at(experiment.plan.batch_size) + "\n",
            folder.data: object_text(described_data(dataset)),
            folder.provenance: object_text(provenance),
        }
    )
    log.info(f"run: {folder.path}")
    log.info(
        f"{type(learner.model).__name__}, {size.parameters:,} parameters, on {learner.device} "
        f"({provenance.device_name}, {provenance.threads} threads) in {learner.precision}; "
        f"{len(dataset.train_indices):,} training, {len(dataset.val_indices):,} validation, "
        f"{len(dataset.source.test):,} test images"
    )
    if provenance.precision_probe is not None:
        log.info(f"precision=auto: {provenance.precision_probe.described}")
    for note in dataset.source.notes:
        log.info(f"images: {note}")
    log.info("; ".join(f"{piece}: {how}" for piece, how in provenance.fast_path.items()))


def _hooks(
    experiment: Experiment, files: Store, rows: Sequence[Row], meter: WorkMeter | None
) -> Hooks:
    hooks: list[Hooks] = [
        Recorder(files, experiment.setup.background_checkpoints, rows),
        Progress(experiment.plan.batch_size),
    ]
    if experiment.profile_batches is not None:
        hooks.append(Profiler(files, experiment.profile_batches))
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
    path = folder.best_checkpoint
    epoch = load_evaluated_weights(path, learner.model, learner.device, run.files)
    started = time.monotonic()
    logits, test = predict_test(experiment)
    seconds = time.monotonic() - started
    arrays = experiment.dataset.source.test
    of_test = SplitPredictions(logits, arrays.labels, arrays.sample_ids)
    predictions = Predictions(of_test, _validation_predictions(experiment))
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
        copies=trained_on(copies(experiment.dataset), len(arrays)),
        evaluation_seconds=seconds,
        work=None if meter is None else meter.result(training_seconds + seconds),
        eager_because=failure,
    )
    run.files.write(
        {
            folder.predictions: packed_predictions(predictions),
            folder.summary: object_text(result),
        }
    )
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
    if result.test_without_copies is not None:
        apart = result.test_without_copies
        log.info(
            f"{plural(apart.copies, 'test image is an exact copy', 'test images are exact copies')}"
            f" of images trained on; without: {apart.accuracy:.2%} ({apart.count:,} images)"
        )
    if result.work is not None:
        log.info(described_work(result.work))
