"""``train``: a run from its first step to its report."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from math import isfinite

from cifar_lab.assembly import Experiment
from cifar_lab.engine.fit import REMEDIES, NonFinite
from cifar_lab.engine.hooks import HookList, Hooks, Row
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.engine.state import TrainingState
from cifar_lab.hooks.calling import HookCalls
from cifar_lab.models.summary import summarise
from cifar_lab.recipe.evaluation import log_result, write_evaluation
from cifar_lab.recipe.failures import explained_failures
from cifar_lab.recipe.find_lr import found_max_lr
from cifar_lab.recipe.open import refuse_other_images
from cifar_lab.recipe.processes import worker_processes
from cifar_lab.recipe.read import draw_report
from cifar_lab.recipe.starting import parent_of, parent_state
from cifar_lab.run.checkpoint import (
    load_checkpoint,
    load_evaluated_weights,
    refuse_other_model,
)
from cifar_lab.run.code import OwnModules
from cifar_lab.run.console import Progress, logged_to
from cifar_lab.run.data import described_data
from cifar_lab.run.files import object_text
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.origin import Origin
from cifar_lab.run.profiler import Profiler
from cifar_lab.run.provenance import Provenance, collected
from cifar_lab.run.record import Run
from cifar_lab.run.records import Recorder, completed_rows, write_first_checkpoint
from cifar_lab.run.status import recorded
from cifar_lab.run.store import Store
from cifar_lab.run.summary import Summary
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
    with running(run.folder, origin.command):
        return completed(experiment, run, origin, stop)


@contextlib.contextmanager
def running(folder: RunFolder, command: str) -> Iterator[None]:
    """Record in the run's folder what happens inside: its log, its status, how it failed.

    Args:
        folder: of the run, claimed.
        command: starts the run anew.
    """
    with logged_to(folder), recorded(folder), explained_failures(folder, command):
        yield


def completed(
    experiment: Experiment,
    run: Run,
    origin: Origin,
    stop: StopRequest,
    also: Sequence[Hooks] = (),
) -> Summary:
    """Do what :func:`run_experiment` does, inside :func:`running`.

    Args:
        experiment, run, origin, stop: as for :func:`run_experiment`.
        also: further hooks.
    """
    state = TrainingState(
        experiment.learner.model,
        experiment.optimizer,
        experiment.plan.ema_decay,
        experiment.learner.device,
        experiment.plan.ema_warmup,
    )
    rows: list[Row] = []
    if run.files.has(run.folder.last_checkpoint):
        rows = _load_last_checkpoint(experiment, run, state)
    else:
        _begin(experiment, run, origin)
        _start_from_elsewhere(experiment, run, state)
    if experiment.finds_max_lr:
        experiment = found_max_lr(experiment, run.files)
    calls = HookCalls(
        experiment.hooks, run.files, experiment.config, experiment.learner, experiment.loaders, rows
    )
    with calls.told_of_failure():
        result = _reported(experiment, run, state, rows, calls, also, stop)
        calls.end(result)
    return result


def _reported(
    experiment: Experiment,
    run: Run,
    state: TrainingState,
    rows: Sequence[Row],
    first: Hooks,
    last: Sequence[Hooks],
    stop: StopRequest,
) -> Summary:
    """Train, evaluate and report."""
    learner = experiment.learner
    meter = WorkMeter(learner.device, learner.precision) if experiment.measure_work else None
    hooks = HookList(first, *_hooks(experiment, run.files, rows, meter), *last)
    failure, not_finite = _trained(experiment, state, hooks, stop)
    run.folder.require()
    result = _evaluate(experiment, run, state.stopped, failure, meter)
    log_result(result)
    if result.test is None:
        log.info(
            "the test set stays closed: it was not evaluated; "
            f"`cifar-lab eval {run.folder.path}` adds it"
        )
    if result.work is not None:
        log.info(described_work(result.work, learner.precision))
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
    if not isfinite(result.result.loss):
        raise NonFinite(
            f"the {result.evaluated} loss of epoch {result.reported_epoch} is not finite, at the "
            f"last of {result.epochs_trained} epochs; {REMEDIES}"
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


def _start_from_elsewhere(experiment: Experiment, run: Run, state: TrainingState) -> None:
    """Take over what the run starts from, if anything, into a first checkpoint of its own."""
    parent = parent_of(experiment.config)
    if parent is not None:
        state.extend(parent_state(parent, experiment))
        log.info(f"extending {parent.run} after epoch {state.epoch}; its rows are not repeated")
    if parent is not None or experiment.fitted is not None:
        write_first_checkpoint(run.files, state)


def _begin(experiment: Experiment, run: Run, origin: Origin) -> None:
    """Write the model table, the data description and the provenance; log a short form."""
    learner, dataset, fitted = experiment.learner, experiment.dataset, experiment.fitted
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
        weights=None if fitted is None else fitted.recorded,
        parent=parent_of(experiment.config),
        own_code=OwnModules.of(run.code),
    )
    folder = run.folder
    run.files.write(
        {
            folder.model_table: size.table_at(experiment.plan.batch_size) + "\n",
            folder.data: object_text(described_data(dataset)),
            folder.provenance: object_text(provenance),
        }
    )
    _tell(experiment, run, provenance, size.parameters)


def _tell(experiment: Experiment, run: Run, provenance: Provenance, parameters: int) -> None:
    """Log where the run is, and what it trains on what."""
    learner, dataset, code = experiment.learner, experiment.dataset, run.code
    log.info(f"run: {run.folder.path}")
    if code is not None and code.config_dir is not None:
        log.info(f"your own options: {code.config_dir}")
    if code is not None and code.modules:
        log.info(f"your own files: {', '.join(module.file for module in code.modules)}")
    log.info(
        f"{type(learner.model).__name__}, {parameters:,} parameters, on {learner.device} "
        f"({provenance.device_name}, {provenance.threads} threads) in {learner.precision}; "
        f"{len(dataset.train_indices):,} training, {len(dataset.val_indices):,} validation, "
        f"{len(dataset.source.test):,} test images"
    )
    if provenance.precision_probe is not None:
        log.info(f"precision=auto: {provenance.precision_probe.described}")
    if experiment.fitted is not None:
        log.info(f"weights: {experiment.fitted.described}")
    frozen = [name for name, after in experiment.plan.freeze_after_epochs.items() if after == 0]
    if frozen:
        trained = sum(p.numel() for p in learner.model.parameters() if p.requires_grad)
        log.info(
            f"frozen from the start: {', '.join(frozen)}; {trained:,} of {parameters:,} "
            "parameters are trained, and statistics of batch norms go on following the data"
        )
    for note in dataset.source.notes:
        log.info(f"images: {note}")
    if experiment.plan.test_every_epoch and experiment.loaders.test is None:
        log.info(
            "trainer.test_every_epoch is off, as evaluate_test=false keeps the test set closed"
        )
    log.info("; ".join(f"{piece}: {how}" for piece, how in provenance.fast_path.items()))


def _hooks(
    experiment: Experiment, files: Store, rows: Sequence[Row], meter: WorkMeter | None
) -> list[Hooks]:
    hooks: list[Hooks] = [
        Recorder(files, experiment.setup.background_checkpoints, rows),
        Progress(experiment.plan.batch_size),
    ]
    if experiment.profile_batches is not None:
        hooks.append(Profiler(files, experiment.profile_batches))
    if meter is not None:
        hooks.append(meter)
    return hooks


def _evaluate(
    experiment: Experiment,
    run: Run,
    stopped: str | None,
    failure: str | None,
    meter: WorkMeter | None,
) -> Summary:
    """Load the reported checkpoint and evaluate it."""
    learner, path = experiment.learner, run.folder.best_checkpoint
    epoch = load_evaluated_weights(path, learner.model, learner.device, run.files)
    return write_evaluation(experiment, run, epoch, stopped, failure, meter)
