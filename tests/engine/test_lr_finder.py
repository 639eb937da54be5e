"""The range test compared with torch-lr-finder's, on the same model, data, order and precision."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cifar_lab.engine.learner import Learner
from cifar_lab.engine.lr_finder import LOOK_EVERY, Curve, RangeTest
from tests.engine.test_restoring import plain
from tests.engine.test_synchronisation import _Readings
from tests.engine.test_trainer import (
    CLASSES,
    Recording,
    Run,
    assert_identical,
    make_run,
    resumable_run,
    without_times,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # tqdm warns about notebooks
    import torch_lr_finder

#: Tolerance of the losses relative to the package's.
TOLERANCE = 1e-3
#: Learning rates with which these networks diverge, and with which they do not.
ENDS = {"diverging": 1e4, "to the end": 0.5}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("spacing", ["exponential", "linear"])
@pytest.mark.parametrize("end_lr", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("smoothing", [0.05, 0.6])
def test_the_curve_is_the_packages(smoothing, end_lr, spacing, precision):
    run = convolutional_run(precision)
    test = range_test(end_lr=end_lr, spacing=spacing, smoothing=smoothing)
    theirs = package_curve(run, test, precision)
    ours = curve(run, test)
    assert ours.learning_rates == pytest.approx(theirs["lr"], rel=1e-12)
    assert ours.smoothed == pytest.approx(theirs["loss"], abs=TOLERANCE)
    if end_lr == ENDS["diverging"]:
        assert ours.ended == "diverged"
        assert len(ours.losses) % LOOK_EVERY != 0  # checked later, then truncated
    else:
        assert ours.ended is None
        assert (
            len(ours.losses) == test.steps > len(run.loaders.train)
        )  # continues into further epochs


def test_accumulated_batches_give_the_packages_curve_too():
    run = convolutional_run("float32", batch_size=4, accumulate_batches=2)
    test = range_test(end_lr=0.5)
    theirs = package_curve(run, test, "float32", accumulation_steps=2)
    assert curve(run, test).smoothed == pytest.approx(theirs["loss"], abs=TOLERANCE)


@pytest.mark.parametrize("images", [19, 20])
def test_batches_that_make_one_update_count_by_their_images(images):
    """An epoch's last update has fewer batches, and its last batch may be smaller."""
    small = make_run(images=images, batch_size=2, accumulate_batches=3)
    large = make_run(images=images, batch_size=6)
    test = range_test(end_lr=0.5, steps=9)
    assert curve(small, test).losses == pytest.approx(curve(large, test).losses, rel=1e-5)


def test_learning_rates_go_from_start_to_end():
    test = range_test(start_lr=1e-4, end_lr=1e2, steps=7)
    assert [test.learning_rate(step) for step in range(7)] == pytest.approx(
        [1e-4, 1e-3, 1e-2, 1e-1, 1, 1e1, 1e2]
    )
    test = range_test(start_lr=1, end_lr=4, steps=4, spacing="linear")
    assert [test.learning_rate(step) for step in range(4)] == pytest.approx([1, 2, 3, 4])


def test_the_schedules_rate_is_scaled_for_each_group_as_in_training():
    run = make_run()
    groups = run.state.optimizer.param_groups
    groups[0]["lr_scale"] = 3.0
    used = []
    step = run.state.optimizer.step
    run.state.optimizer.step = lambda: (used.append(groups[0]["lr"]), step())
    test = range_test(end_lr=0.01, steps=4)
    curve(run, test)
    assert used == [3 * test.learning_rate(number) for number in range(4)]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_curve_before_it(bad):
    test = range_test(smoothing=1.0)
    found = test.curve([3.0, 2.0, bad, 1.0])
    assert found.losses == found.smoothed == [3.0, 2.0]
    assert found.ended == "not finite"
    assert test.curve([bad]) == Curve([], [], [], "not finite")


def test_a_network_that_breaks_down_is_stopped_at_the_next_look():
    run = make_run(criterion=Broken(after=3))
    found = curve(run, range_test(steps=1000))
    assert (len(found.losses), found.ended) == (3, "not finite")
    assert run.learner.criterion.calls == LOOK_EVERY


def test_smoothing_and_divergence_by_hand():
    test = range_test(smoothing=0.5, divergence=2.0)
    found = test.curve([4.0, 2.0, 1.0, 5.5, 6.0, 0.0])
    assert found.smoothed == [4.0, 3.0, 2.0, 3.75, 4.875]  # 3.75 does not exceed twice the minimum
    assert found.losses == [4.0, 2.0, 1.0, 5.5, 6.0]
    assert found.ended == "diverged"


def test_an_empty_range_is_refused():
    with pytest.raises(ValueError, match=r"start_lr=1 must be below end_lr=1; lower lr_finder"):
        range_test(start_lr=1.0, end_lr=1.0)


# What it restores


@pytest.mark.parametrize("accumulate_batches", [1, 2])
def test_a_run_that_looked_first_is_trained_as_one_that_did_not(accumulate_batches):
    runs, recordings = [], []
    for looks in (False, True):
        run, recording = resumable_run(7, accumulate_batches), Recording()
        if looks:
            before = plain(run.state.state_dict())
            found = curve(run, range_test(end_lr=1e3))
            assert plain(run.state.state_dict()) == before
            assert found.ended is not None
        run.fit(recording)
        runs.append(run)
        recordings.append([without_times(row) for row in recording.rows])
    assert recordings[0] == recordings[1]
    assert_identical(runs[1].state, runs[0].state)


def test_an_error_within_the_test_leaves_everything_as_it_was_too():
    run = make_run(learner=Failing, momentum=0.9, net=batch_norm_net())
    before = plain(run.state.state_dict())
    with pytest.raises(ZeroDivisionError):
        curve(run, range_test())
    assert run.learner.calls == 6
    assert plain(run.state.state_dict()) == before
    assert all(parameter.grad is None for parameter in run.learner.model.parameters())


def test_the_device_is_waited_for_once_in_ten_steps(monkeypatch):
    run, looks = make_run(images=64), []
    as_list = Tensor.tolist
    monkeypatch.setattr(Tensor, "tolist", lambda self: looks.append(len(self)) or as_list(self))
    with _Readings() as readings:
        found = curve(run, range_test(end_lr=0.01, steps=35))
    assert len(found.losses) == 35
    assert looks == [10, 10, 10, 5]
    assert readings.count == 0


def range_test(**changes: Any) -> RangeTest:
    settings = {
        "start_lr": 1e-4,
        "end_lr": 10.0,
        "steps": 40,
        "spacing": "exponential",
        "smoothing": 0.05,
        "divergence": 5.0,
        "seeds": 1,
        "suggestion": "steepest",
    }
    return RangeTest(**(settings | changes))


def curve(run: Run, test: RangeTest) -> Curve:
    return test.run(run.engine, run.learner, run.state.optimizer, run.loaders.train)


def package_curve(
    run: Run, test: RangeTest, precision: str, accumulation_steps: int = 1
) -> dict[str, list[float]]:
    """What torch-lr-finder records on copies of the run's model, over the run's own batches."""
    model = copy.deepcopy(run.learner.model)
    optimizer = torch.optim.SGD(model.parameters(), lr=test.start_lr, momentum=0.9)
    loader, batches = run.loaders.train, []
    for epoch in range(1 + test.steps * accumulation_steps // len(loader)):
        batches += loader.batches(epoch, 0, len(loader))
    mixed = {} if precision == "float32" else {
        "amp_backend": "torch",
        "amp_config": {"device_type": "cpu", "dtype": torch.bfloat16},
        "grad_scaler": torch.amp.GradScaler(enabled=False),
    }  # fmt: skip
    finder = torch_lr_finder.LRFinder(model, optimizer, nn.CrossEntropyLoss(), "cpu", **mixed)
    random_state = torch.get_rng_state()
    finder.range_test(
        torch_lr_finder.TrainDataLoaderIter(batches),
        start_lr=test.start_lr,
        end_lr=test.end_lr,
        num_iter=test.steps,
        step_mode="exp" if test.spacing == "exponential" else "linear",
        smooth_f=test.smoothing,
        diverge_th=test.divergence,
        accumulation_steps=accumulation_steps,
    )
    torch.set_rng_state(random_state)  # dropout repeats the same draws
    return finder.history


def convolutional_run(precision: str, **changes: Any) -> Run:
    """Eight batches per epoch, with batch norm and dropout."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(),
        nn.Linear(32, CLASSES),
    )  # fmt: skip
    settings = {"images": 64, "batch_size": 8, "momentum": 0.9} | changes
    return make_run(net=net, precision=precision, **settings)


def batch_norm_net() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 4), nn.BatchNorm1d(4), nn.Linear(4, CLASSES))


class Failing(Learner):
    """Raises an error in its sixth step."""

    calls = 0

    def loss(self, logits, batch):
        self.calls += 1
        if self.calls == 6:
            raise ZeroDivisionError
        return super().loss(logits, batch)


class Broken(nn.Module):
    """Cross entropy that becomes NaN after a given number of batches."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after, self.calls = after, 0

    def forward(self, logits, labels):
        self.calls += 1
        loss = nn.functional.cross_entropy(logits, labels)
        return loss if self.calls <= self.after else loss * math.nan
