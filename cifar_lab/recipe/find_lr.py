"""Range tests over several seeds, for ``find-lr`` and for ``scheduler.max_lr=find``."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from cifar_lab import assembly
from cifar_lab.assembly import Experiment
from cifar_lab.engine.lr_finder import Curve
from cifar_lab.engine.restoring import random_states_kept
from cifar_lab.refusal import RunFailed
from cifar_lab.run.files import object_text, write_atomically, write_object
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.lr_finder import RULE_NAMES, LrFinder, finding, nothing_found, rate, table
from cifar_lab.run.store import Store

log = logging.getLogger("cifar_lab")


def find_lr(experiment: Experiment, folder: RunFolder, command: str) -> None:
    """Run the tests, save the record and the figure, and print the override to paste.

    Args:
        experiment: built, untrained.
        folder: a folder that is not a run's.
        command: the command that repeats the tests.

    Raises:
        RunFailed: no seed suggests a learning rate; the measurements are saved all the same.
    """
    found = _search(experiment, command)
    from cifar_lab.report.figures.lr_finder import range_tests  # importing matplotlib takes seconds

    write_object(folder.lr_finder, found)
    write_atomically(folder.lr_finder_figure, range_tests(found))
    log.info(f"record: {folder.lr_finder}\nfigure: {folder.lr_finder_figure}")
    if found.max_lr is None:
        log.error(nothing_found(experiment.lr_finder))
        raise RunFailed(nothing_found(experiment.lr_finder))
    rule = RULE_NAMES[experiment.lr_finder.suggestion]
    log.info(f"to train with the median suggested by {rule}, use:\n{found.override}")


def found_max_lr(experiment: Experiment, files: Store) -> Experiment:
    """Find the maximum learning rate, record it in the run's folder, and put it in the experiment.

    The tests do not affect later training in any other way.

    Raises:
        RunFailed: no seed suggests a learning rate.
    """
    found = _search(experiment)
    files.write({files.folder.lr_finder: object_text(found)})
    if found.max_lr is None:
        raise RunFailed(nothing_found(experiment.lr_finder))
    log.info(f"using {found.override}")
    return experiment.with_max_lr(found.max_lr)


def _search(experiment: Experiment, command: str | None = None) -> LrFinder:
    """Test all seeds and return the record; restores all state that the tests change."""
    started, learner = time.monotonic(), experiment.learner
    with random_states_kept():
        curves = {trial.seed: _curve(trial) for trial in _trials(experiment)}
    found = finding(
        experiment.lr_finder,
        curves,
        device=str(learner.device),
        precision=learner.precision,
        seconds=time.monotonic() - started,
        command=command,
    )
    log.info(table(found))
    return found


def _trials(experiment: Experiment) -> Iterator[Experiment]:
    """Yield the experiment with its own seed, then with each of the following seeds."""
    yield experiment
    for offset in range(1, experiment.lr_finder.seeds):
        config = {**experiment.config, "seed": experiment.seed + offset}
        starts = experiment.fitted
        yield assembly.experiment(
            config,
            probe=experiment.precision_probe,
            weights=None if starts is None else starts.weights,
        )


def _curve(trial: Experiment) -> Curve:
    test = trial.lr_finder
    curve = test.run(trial.engine, trial.learner, trial.optimizer, trial.loaders.train)
    how = f", where the loss {_ending(curve)}" if curve.ended else ""
    last = curve.learning_rates[-1] if curve.learning_rates else test.start_lr
    log.info(
        f"range test, seed {trial.seed}: {len(curve.losses)} of {test.steps} steps, from learning "
        f"rate {rate(test.start_lr)} to {rate(last)}{how}"
    )
    return curve


def _ending(curve: Curve) -> str:
    return "diverged" if curve.ended == "diverged" else "was no longer finite"
