"""The median rule, against Optuna's own pruner on random curves."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import optuna
import pytest

from cifar_lab.results.rows import PRUNED, Row, append_row
from cifar_lab.run.files import write_object
from cifar_lab.run.metrics import write_metrics
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.pruning import Pruning, pruning
from tests.made import a_status
from tests.sweeps.searches import a_plan

EPOCHS = 5


def written(folder, plan, number, curve, pruned=False):
    run = folder.job(plan.jobs[number].name)
    run.path.mkdir()
    write_object(run.status, a_status())
    rows = [
        {"epoch": epoch, "val_accuracy": value, "val_loss": 1 - value}
        for epoch, value in enumerate(curve, start=1)
    ]
    write_metrics(run.metrics, rows)
    stopped = f"{PRUNED}worse" if pruned else None
    append_row(folder, Row(number, "done", None, 1, max(curve), 0.1, stopped=stopped))


def stops_at(hook, curve, objective="val_accuracy"):
    """The epoch after which a trial stops; None if it does not."""
    for epoch in range(1, len(curve) + 1):
        best = max(curve[:epoch])
        state = SimpleNamespace(epoch=epoch, best={"val_accuracy": best, "val_loss": 1 - best})
        if hook.reason_to_stop(state) is not None:
            return epoch
    return None


def by_optuna(earlier, curve, after_epochs, after_trials):
    """The same of Optuna's pruner, told the best so far."""
    pruner = optuna.pruners.MedianPruner(after_trials, after_epochs + 1)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for other in earlier:
        trial = study.ask()
        for epoch in range(1, EPOCHS + 1):
            trial.report(max(other[:epoch]), epoch)
        study.tell(trial, max(other))
    trial = study.ask()
    for epoch in range(1, EPOCHS + 1):
        trial.report(max(curve[:epoch]), epoch)
        if trial.should_prune():
            return epoch
    return None


@pytest.mark.extra("search")
@pytest.mark.parametrize("seed", range(6))
def test_the_median_rule_is_that_of_optuna(seed, tmp_path, monkeypatch):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    draws = np.random.default_rng(seed)
    curves = [sorted(draws.random(EPOCHS) * draws.random()) for _ in range(8)]
    folder, plan = SweepFolder(tmp_path), a_plan(8)
    expected, found = [], []
    for number, curve in enumerate(curves):
        found.append(stops_at(Pruning(folder, plan), curve))
        expected.append(by_optuna(curves[:number], curve, 1, 3))
        written(folder, plan, number, curve)  # all are trained to their end, to compare
    assert found == expected
    assert any(expected)


def test_losses_are_compared_the_other_way_round(tmp_path):
    folder, plan = SweepFolder(tmp_path), a_plan(4, "val_loss", after_epochs=0)
    for number in range(3):
        written(folder, plan, number, [0.5, 0.6])
    assert stops_at(Pruning(folder, plan), [0.4, 0.4]) == 1
    assert stops_at(Pruning(folder, plan), [0.5, 0.7]) is None


def test_pruned_and_damaged_trials_are_no_measure(tmp_path):
    folder, plan = SweepFolder(tmp_path), a_plan(5, after_epochs=0)
    for number in range(3):
        written(folder, plan, number, [0.5, 0.6], pruned=number == 0)
    assert stops_at(Pruning(folder, plan), [0.1]) is None  # two are fewer than three
    written(folder, plan, 3, [0.5, 0.6])
    folder.job("job1").metrics.unlink()
    assert stops_at(Pruning(folder, plan), [0.1]) is None
    written(folder, plan, 4, [0.5])
    assert stops_at(Pruning(folder, plan), [0.1, 0.1]) == 1


def test_the_reason_names_both_values_and_how_many_were_compared(tmp_path):
    folder, plan = SweepFolder(tmp_path), a_plan(4, after_epochs=0)
    for number in range(3):
        written(folder, plan, number, [0.5])
    state = SimpleNamespace(epoch=1, best={"val_accuracy": 0.25, "val_loss": 1.0})
    assert Pruning(folder, plan).reason_to_stop(state) == (
        "pruned: the best validation accuracy after epoch 1 is 25.00 %, below 50.00 %, the median "
        "of 3 finished trials"
    )


def test_only_a_search_that_prunes_has_the_hook(tmp_path):
    folder = SweepFolder(tmp_path)
    assert len(pruning(folder, a_plan(1))) == 1
    assert pruning(folder, a_plan(1, pruner=None)) == []
    assert pruning(folder, dataclasses.replace(a_plan(1), search=None)) == []
