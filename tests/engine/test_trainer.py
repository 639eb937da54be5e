"""The loop: what it computes, when it stops, and that it resumes bit for bit."""

from __future__ import annotations

import io
import math
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_lab.data.arrays import Dataset, ImageArrays, SourceImages
from cifar_lab.data.loaders import EvalLoader, TrainLoader
from cifar_lab.data.mixing import CutMix, Mixing, Mixup
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.engine import fit as fit_module
from cifar_lab.engine.engine import Engine
from cifar_lab.engine.fit import Fit, Loaders, NonFinite
from cifar_lab.engine.hooks import HookList, Hooks
from cifar_lab.engine.interrupts import Interrupted, StopRequest
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.lightning import LightningTrainer
from cifar_lab.engine.metrics import RunningMetrics, correct
from cifar_lab.engine.state import TrainingState
from cifar_lab.engine.step import EagerStep
from cifar_lab.engine.trainer import Trainer
from cifar_lab.engine.world import ALONE
from cifar_lab.optim.schedules import OneCycle
from cifar_lab.precision import Precision
from tests.engine.plans import make_plan

CPU = torch.device("cpu")
CLASSES = 3
ENGINE: dict[str, type[Engine]] = {"class": Trainer}
TIME_COLUMNS = {"epoch_seconds", "evaluation_seconds", "images_per_second"}


@pytest.fixture(autouse=True)
def _signals_that_nobody_takes_do_not_end_the_tests():
    before = {s: signal.signal(s, lambda *_: None) for s in (signal.SIGINT, signal.SIGTERM)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


ENGINES = [Trainer, pytest.param(LightningTrainer, marks=pytest.mark.extra("lightning"))]


@pytest.fixture(autouse=True, params=ENGINES, ids=["native", "lightning"])
def _both_engines(request, monkeypatch):
    """Everything that is true of the native engine is true of Lightning's, on one device."""
    monkeypatch.setitem(ENGINE, "class", request.param)


# What a step computes


def test_weights_and_rows_equal_those_of_a_plain_loop():
    run = make_run(images=18, epochs=3, momentum=0.9, test_every_epoch=True)
    model, rows = make_net(seed=0), []
    velocity = [torch.zeros_like(p) for p in model.parameters()]
    test_images, test_labels = everything(run.loaders.test)
    step = 0
    for epoch in range(3):
        losses, right = [], 0
        order = run.loaders.train.order(epoch)
        for start in range(0, 18, 4):
            images, labels = run.training_images(order[start : start + 4])
            logits = model(images)
            loss = F.cross_entropy(logits, labels, reduction="none")
            gradients = torch.autograd.grad(loss.mean(), list(model.parameters()))
            for p, v, g in zip(model.parameters(), velocity, gradients, strict=True):
                v.mul_(0.9).add_(g)
                p.data -= (step + 1) / 64 * v
            losses += loss.tolist()
            right += int((logits.argmax(1) == labels).sum())
            step += 1
        logits = model(test_images)
        rows.append(
            {
                "epoch": epoch + 1,
                "step": step,
                "lr": step / 64,
                "train_loss": np.mean(losses),
                "train_accuracy": right / 18,
                "test_loss": F.cross_entropy(logits, test_labels).item(),
                "test_accuracy": (logits.argmax(1) == test_labels).float().mean().item(),
            }
        )
    recording = Recording()
    run.fit(recording)
    assert run.state.stopped is None
    assert_close(run.state.model, model)
    for actual, expected in zip(recording.rows, rows, strict=True):
        assert actual.keys() - TIME_COLUMNS == expected.keys()
        assert without_times(actual) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("images", "batch_size"),
    [
        pytest.param(24, 4, id="whole groups"),
        pytest.param(20, 2, id="last group not full"),
        pytest.param(19, 2, id="last batch smaller, last group not full"),
        pytest.param(23, 4, id="last batch smaller"),
    ],
)
def test_three_accumulated_batches_equal_one_of_three_times_the_size(images, batch_size):
    runs = [
        make_run(images=images, batch_size=batch_size, accumulate_batches=3, momentum=0.9),
        make_run(images=images, batch_size=3 * batch_size, momentum=0.9),
    ]
    recordings = [Recording() for _ in runs]
    for run, recording in zip(runs, recordings, strict=True):
        run.fit(recording)
    assert_close(runs[0].state.model, runs[1].state.model)
    for actual, expected in zip(recordings[0].rows, recordings[1].rows, strict=True):
        assert without_times(actual) == pytest.approx(without_times(expected), rel=1e-5)


@pytest.mark.parametrize("accumulate_batches", [1, 2, 3])
@pytest.mark.parametrize("limit_batches", [None, 1, 3])
@pytest.mark.parametrize("images", [20, 19])
def test_each_update_moves_the_weight_by_its_learning_rate(
    images, limit_batches, accumulate_batches
):
    # The loss is the weight itself, so its gradient is 1 for any batches in an update.
    run = make_run(
        images=images,
        net=Slope(),
        criterion=FirstLogit(),
        accumulate_batches=accumulate_batches,
        limit_batches=limit_batches,
        epochs=2,
    )
    values = [0.0]
    run.fit(Calling(on_batch_end=lambda state: values.append(state.model.value.item())))
    moves = [move for move in -np.diff(values) if move != 0]
    updates = -(-(5 if limit_batches is None else min(5, limit_batches)) // accumulate_batches)
    whole = -(-5 // accumulate_batches)
    steps = [epoch * whole + update for epoch in range(2) for update in range(updates)]
    np.testing.assert_allclose(moves, [(step + 1) / 64 for step in steps], rtol=1e-4)


@pytest.mark.parametrize("accumulate_batches", [1, 2])
def test_the_recorded_rate_is_that_of_the_last_update(accumulate_batches):
    run = make_run(epochs=3, accumulate_batches=accumulate_batches)
    used, recording = [], Recording()
    step = run.state.optimizer.step
    run.state.optimizer.step = lambda **closure: (
        used.append(run.state.optimizer.param_groups[0]["lr"]),
        step(**closure),
    )
    run.fit(recording)
    updates = -(-5 // accumulate_batches)
    assert len(used) == run.schedule.total_steps == 3 * updates
    assert [row["lr"] for row in recording.rows] == used[updates - 1 :: updates]


def test_the_schedule_changes_the_rate_and_nothing_else_of_the_optimizer():
    run = make_run(net=make_net(seed=0), optimizer=lambda p: torch.optim.Adam(p, lr=9.0))
    before = dict(run.state.optimizer.param_groups[0])
    run.fit()
    after = run.state.optimizer.param_groups[0]
    assert {key for key in before if key != "params" and before[key] != after[key]} == {"lr"}


OPTIMIZERS = {
    "adam": lambda p: torch.optim.Adam(p, lr=9.0),
    "sgd": lambda p: torch.optim.SGD(p, lr=9.0, momentum=0.9, nesterov=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_cycled_momentum_trains_what_a_loop_with_torchs_one_cycle_trains(name):
    run = make_run(net=make_net(seed=0), optimizer=OPTIMIZERS[name], epochs=4)
    run.schedule = one_cycle(epochs=4)
    model = make_net(seed=0)
    optimizer = OPTIMIZERS[name](model.parameters())
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.1,
        total_steps=20,
        pct_start=0.5,
        anneal_strategy="linear",
        div_factor=10,
        final_div_factor=10,
    )
    rows = []
    for epoch in range(4):
        order = run.loaders.train.order(epoch)
        for start in range(0, 20, 4):
            images, labels = run.training_images(order[start : start + 4])
            F.cross_entropy(model(images), labels).backward()
            group = optimizer.param_groups[0]
            momentum = group["betas"][0] if name == "adam" else group["momentum"]
            used = {"lr": group["lr"], "momentum": momentum}
            optimizer.step()
            optimizer.zero_grad()
            if (epoch, start) != (3, 16):
                scheduler.step()
        rows.append(used)
    recording = Recording()
    run.fit(recording)
    assert_close(run.state.model, model)
    found = [{key: row[key] for key in ("lr", "momentum")} for row in recording.rows]
    assert found == [pytest.approx(row, rel=1e-9) for row in rows]
    assert found[1] == pytest.approx({"lr": 0.1, "momentum": 0.85})


def test_first_epochs_are_trained_on_smaller_images_and_evaluation_is_at_full_size():
    """Images of 4×4 pixels: 2 in the first two epochs, 3 in the third, then their own."""
    seen: list[tuple[bool, int]] = []
    sizes = ((0, 2), (2, 3), (3, 4))
    make_run(net=Sized(seen), epochs=4, test_every_epoch=True, image_sizes=sizes).fit()
    # Five batches to train on, then two to test.
    epochs = [[(True, side)] * 5 + [(False, 4)] * 2 for side in (2, 2, 3, 4)]
    assert seen == [each for epoch in epochs for each in epoch]


def test_the_weights_are_those_of_a_plain_loop_over_resized_images():
    run = make_run(net=Sized([]), epochs=2, image_sizes=((0, 2), (1, 4)))
    model = Sized([])
    step = 0
    for epoch, side in ((0, 2), (1, 4)):
        order = run.loaders.train.order(epoch)
        for start in range(0, 20, 4):
            images, labels = run.training_images(order[start : start + 4])
            small = F.interpolate(images, size=(side, side), mode="bilinear", antialias=True)
            gradients = torch.autograd.grad(
                F.cross_entropy(model(small), labels), list(model.parameters())
            )
            for p, g in zip(model.parameters(), gradients, strict=True):
                p.data -= (step + 1) / 64 * g
            step += 1
    run.fit()
    assert_close(run.state.model, model)


def test_a_step_is_made_anew_where_the_size_changes_and_where_a_run_is_continued():
    """A captured step would go on with the size that it was captured with."""
    made: list[int] = []
    run = make_run(net=Sized([]), epochs=4, image_sizes=((0, 2), (2, 3), (3, 4)))

    def make_step() -> EagerStep:
        made.append(run.state.epoch)
        return EagerStep(run.learner, run.state, run.engine.plan)

    parts = (run.engine.plan, ALONE, run.learner, run.loaders, run.schedule, run.state, Hooks())
    for started_at in (0, 1):
        fit = Fit(*parts, StopRequest(), make_step)
        for epoch in range(started_at, 4):
            run.state.epoch = epoch
            fit.begin_epoch()
    assert made == [0, 2, 3, 1, 2, 3]


@pytest.mark.parametrize("accumulate_batches", [1, 2])
def test_clipping_bounds_the_norm_of_the_whole_gradient_and_keeps_its_direction(
    accumulate_batches,
):
    def move(clip_gradient_norm):
        run = make_run(
            epochs=1,
            limit_batches=accumulate_batches,
            accumulate_batches=accumulate_batches,
            clip_gradient_norm=clip_gradient_norm,
        )
        before = flat(run.state.model)
        run.fit()
        return (flat(run.state.model) - before) * 64  # the first learning rate is 1/64

    free, bounded, within = move(None), move(0.01), move(1e3)
    assert free.norm() > 0.1
    assert bounded.norm().item() == pytest.approx(0.01, rel=1e-3)
    torch.testing.assert_close(bounded / bounded.norm(), free / free.norm(), rtol=1e-2, atol=1e-3)
    assert torch.equal(within, free)


@pytest.mark.parametrize(("accumulate_batches", "warmup"), [(1, False), (1, True), (2, True)])
def test_averaged_weights_equal_a_hand_written_average_and_are_what_is_evaluated(
    accumulate_batches, warmup
):
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 4), nn.BatchNorm1d(4), nn.Linear(4, CLASSES))
    run = make_run(
        net=net,
        ema_decay=0.25,
        ema_warmup=warmup,
        accumulate_batches=accumulate_batches,
        validation=7,
        test_every_epoch=True,
    )
    average, recording = copied(net), Recording()
    # 1/10, 2/11, 3/12, and then the stated decay.
    decays = iter([0.1, 2 / 11, *[0.25] * 20] if warmup else [0.25] * 20)

    def follow(state: TrainingState) -> None:
        if state.batches_done % accumulate_batches and state.batches_done < 5:
            return
        decay = next(decays)
        for name, value in state.model.state_dict().items():
            if value.is_floating_point():
                average[name] = decay * average[name] + (1 - decay) * value
            else:
                average[name] = value.clone()

    run.fit(HookList(Calling(on_batch_end=follow), recording))
    assert average["2.num_batches_tracked"] == 10
    for name, value in run.state.evaluated_model.state_dict().items():
        torch.testing.assert_close(value, average[name])
    for split, loader in (("val", run.loaders.val), ("test", run.loaders.test)):
        images, labels = everything(loader)
        net.eval()
        logits = torch.func.functional_call(net, average, (images,))
        expected = F.cross_entropy(logits, labels).item()
        assert recording.rows[-1][f"{split}_loss"] == pytest.approx(expected, rel=1e-5)
        assert F.cross_entropy(net(images), labels).item() != pytest.approx(expected, rel=1e-6)


def test_bfloat16_leaves_the_weights_in_float32():
    run = make_run(precision="bfloat16", momentum=0.9)
    computed = set()
    run.state.model[-1].register_forward_hook(lambda _m, _i, output: computed.add(output.dtype))
    run.fit()
    assert computed == {torch.bfloat16}
    assert all(value.dtype is torch.float32 for value in run.state.model.state_dict().values())
    assert all(
        value["momentum_buffer"].dtype is torch.float32
        for value in run.state.optimizer.state_dict()["state"].values()
    )


def test_every_batch_is_trained_on_in_train_mode_whatever_came_before():
    run = make_run(validation=7, epochs=2)
    run.state.model.eval()
    modes = []
    run.fit(Calling(on_batch_end=lambda state: modes.append(state.model.training)))
    assert modes == [True] * 10


@pytest.mark.parametrize("accumulate_batches", [1, 2])
@pytest.mark.parametrize("mixing", [Mixup(0.5, 0.8), CutMix(1.0, 1.0)])
def test_mixed_batches_are_trained_on_as_in_a_plain_loop_over_mixed_targets(
    mixing, accumulate_batches
):
    run = make_run(images=18, epochs=1, mixing=mixing, accumulate_batches=accumulate_batches)
    model, losses, right = make_net(seed=0), [], 0
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    batches = list(run.loaders.train.batches(0, 0, 5))
    for group in range(0, 5, accumulate_batches):
        together = batches[group : group + accumulate_batches]
        count = sum(len(batch.labels) for batch in together)
        for batch in together:
            ours, theirs = (F.one_hot(x, CLASSES) for x in (batch.labels, batch.partners))
            logits = model(batch.images)
            targets = batch.weight * ours + (1 - batch.weight) * theirs
            loss = -(targets * logits.log_softmax(1)).sum(1)
            (loss.sum() / count).backward()
            losses += loss.tolist()
            right += int((logits.argmax(1) == targets.argmax(1)).sum())
        optimizer.param_groups[0]["lr"] = (group // accumulate_batches + 1) / 64
        optimizer.step()
        optimizer.zero_grad()
    recording = Recording()
    run.fit(recording)
    assert_close(run.state.model, model)
    assert recording.rows[0]["train_loss"] == pytest.approx(np.mean(losses), rel=1e-4)
    assert recording.rows[0]["train_accuracy"] == right / 18


def test_evaluation_is_of_images_as_they_are():
    run, recording = make_run(mixing=Mixup(1.0, 1.0), epochs=1, test_every_epoch=True), Recording()
    run.fit(recording)
    images, labels = everything(run.loaders.test)
    torch.testing.assert_close(images, everything(make_run().loaders.test)[0])
    expected = F.cross_entropy(run.state.model(images), labels).item()
    assert recording.rows[0]["test_loss"] == pytest.approx(expected, rel=1e-5)


# What it reports


@pytest.mark.parametrize("validation", [0, 7])
@pytest.mark.parametrize("test_every_epoch", [False, True])
def test_a_row_has_the_columns_of_the_splits_that_were_evaluated(validation, test_every_epoch):
    run = make_run(validation=validation, test_every_epoch=test_every_epoch)
    recording = Recording()
    run.fit(recording)
    splits = ["train"] + ["val"] * bool(validation) + ["test"] * test_every_epoch
    expected = {"epoch", "step", "lr", *TIME_COLUMNS}
    expected |= {f"{split}_{quantity}" for split in splits for quantity in ("loss", "accuracy")}
    assert [row.keys() for row in recording.rows] == [expected] * 2


def test_without_a_loader_of_the_test_images_they_are_not_evaluated():
    run, recording = make_run(validation=7, test_every_epoch=True), Recording()
    run.loaders = run.loaders._replace(test=None)
    run.fit(recording)
    assert not any("test" in column for row in recording.rows for column in row)


def test_the_best_epoch_is_chosen_by_validation_and_never_by_test():
    run = make_run(
        learner=lambda *a: Scripted([0.5, 0.1, 0.5, 0.2, 0.75, 0.3, 0.25, 0.9], *a),
        validation=4,
        epochs=4,
        test_every_epoch=True,
    )
    recording = Recording()
    run.fit(recording)
    assert [row["test_accuracy"] for row in recording.rows] == [0.1, 0.2, 0.3, 0.9]
    assert recording.best == [True, False, True, False]  # the second is equal, not better
    assert run.state.best == {"epoch": 3, "val_loss": 0.25, "val_accuracy": 0.75}


def test_without_validation_the_newest_epoch_is_the_one_that_counts():
    run, recording = make_run(epochs=3, test_every_epoch=True), Recording()
    run.fit(recording)
    assert recording.best == [True] * 3
    assert run.state.best is None


def test_times_are_those_of_the_clock(monkeypatch):
    run = make_run(learner=clocked(monkeypatch), test_every_epoch=True)
    recording = Recording()
    run.fit(recording)
    # 5 batches of 30 s, then 2 evaluation batches of 10 s.
    assert [row["epoch_seconds"] for row in recording.rows] == [170, 170]
    assert [row["evaluation_seconds"] for row in recording.rows] == [20, 20]
    assert [row["images_per_second"] for row in recording.rows] == [20 / 150] * 2
    assert run.state.elapsed_seconds == 340


def test_hooks_hear_of_everything_in_order():
    run, heard = make_run(epochs=2, limit_batches=1, validation=7), []

    def named(name: str) -> Hooks:
        return Calling(
            on_fit_start=lambda _, epochs, batches: heard.append((name, "start", epochs, batches)),
            on_batch_end=lambda state: heard.append((name, "batch", state.epoch)),
            on_epoch_evaluated=lambda state, _: heard.append((name, "evaluated", state.epoch)),
            reason_to_stop=lambda state: heard.append((name, "asked", state.epoch)),
            on_epoch_end=lambda state, *_: heard.append((name, "epoch", state.epoch)),
            on_fit_end=lambda: heard.append((name, "end")),
        )

    run.fit(HookList(named("a"), named("b")))
    first = [("start", 2, 1), ("batch", 0), ("evaluated", 1), ("asked", 1), ("epoch", 1)]
    last = [("batch", 1), ("evaluated", 2), ("epoch", 2), ("end",)]
    assert heard == [(name, *event) for event in [*first, *last] for name in "ab"]


def test_what_a_hook_adds_to_a_row_is_recorded_by_those_after_it():
    class Adding(Hooks):
        def on_epoch_evaluated(self, state, row):
            row["mine"] = 2.0 * row["epoch"]

    run, recording = make_run(epochs=2, validation=7), Recording()
    run.fit(HookList(Adding(), recording))
    assert [row["mine"] for row in recording.rows] == [2, 4]


# When it stops


def test_it_stops_after_epochs_without_a_better_validation_accuracy():
    run = make_run(
        learner=lambda *a: Scripted([0.5, 0.25, 0.75, 0.75, 0.5, 1.0], *a),
        validation=4,
        epochs=6,
        early_stopping_patience=2,
    )
    recording = Recording()
    run.fit(recording)
    assert run.state.stopped == "validation accuracy has not improved for 2 epochs"
    assert [row["val_accuracy"] for row in recording.rows] == [0.5, 0.25, 0.75, 0.75, 0.5]


def test_a_hook_may_stop_it_after_any_epoch_but_the_last():
    asked: list[int] = []

    class Stopping(Hooks):
        def reason_to_stop(self, state):
            asked.append(state.epoch)
            return "enough" if state.epoch == 2 else None

    run, recording = make_run(validation=4, epochs=4), Recording()
    run.fit(HookList(recording, Stopping()))
    assert (run.state.epoch, run.state.stopped, run.state.failed) == (2, "enough", False)
    assert len(recording.rows) == 2  # the last one was recorded like any other
    short = make_run(validation=4, epochs=2)
    short.fit(HookList(Stopping()))
    assert short.state.stopped is None
    assert asked == [1, 2, 1]


#: Validation accuracy and loss of each epoch; the fourth equals the third.
TIED = [(0.75, 0.5), (0.75, 0.375), (0.75, 0.25), (0.75, 0.25), (0.5, 0.125), (0.75, 0.5)]


def test_of_equal_accuracies_the_lowest_loss_is_the_best_and_of_equal_losses_the_earlier():
    run = make_run(learner=lambda *a: Scripted(TIED, *a), validation=4, epochs=6)
    best: list[bool] = []
    run.fit(Calling(on_epoch_end=lambda _, __, is_best: best.append(is_best)))
    assert best == [True, True, True, False, False, False]
    assert run.state.best == {"epoch": 3, "val_loss": 0.25, "val_accuracy": 0.75}


def test_patience_counts_from_that_same_epoch():
    changes = {"validation": 4, "epochs": 6, "early_stopping_patience": 2}
    run = make_run(learner=lambda *a: Scripted(TIED, *a), **changes)
    run.fit()
    assert run.state.epoch == 5
    assert run.state.stopped == "validation accuracy has not improved for 2 epochs"


def test_a_resumed_run_goes_on_with_the_same_rule():
    first = make_run(
        learner=lambda *a: Scripted(TIED[:2], *a), validation=4, epochs=6, limit_epochs=2
    )
    first.fit()
    second = make_run(learner=lambda *a: Scripted(TIED[2:], *a), validation=4, epochs=6)
    second.state.load_state_dict(saved_and_read(first.state))
    second.fit()
    assert second.state.best == {"epoch": 3, "val_loss": 0.25, "val_accuracy": 0.75}


def test_rows_say_at_which_update_of_the_schedule_an_epoch_ended():
    whole, cut = make_run(epochs=3), make_run(epochs=3, limit_batches=1)
    for run, ends in ((whole, [1, 2, 3]), (cut, None)):
        recording = Recording()
        run.fit(recording)
        per_epoch = run.schedule.steps_per_epoch
        expected = [(e - 1) * per_epoch + (per_epoch if ends else 1) for e in (1, 2, 3)]
        assert [row["step"] for row in recording.rows] == expected


@pytest.mark.parametrize("limit", ["early_stopping_patience", "max_minutes"])
def test_a_limit_that_is_reached_with_the_last_epoch_ends_nothing_early(limit, monkeypatch):
    changes = {"early_stopping_patience": 1} if limit == "early_stopping_patience" else {}
    learner: Callable[..., Learner] = lambda *a: Scripted([0.5, 0.25], *a)  # noqa: E731
    if limit == "max_minutes":
        changes, learner = {"max_minutes": 5}, clocked(monkeypatch)  # 2 epochs of 150 s
    run = make_run(learner=learner, validation=4, epochs=2, **changes)
    run.fit()
    assert run.state.epoch == 2
    assert run.state.stopped is None


@pytest.mark.parametrize(
    ("max_minutes", "accumulate_batches", "epoch", "batches"),
    [(2, 1, 1, 4), (1.5, 2, 1, 4), (4, 1, 2, 3), (1e-9, 1, 1, 1)],
)
def test_it_stops_with_the_step_that_reaches_the_time_limit_and_says_where(
    monkeypatch, max_minutes, accumulate_batches, epoch, batches
):
    run = make_run(
        learner=clocked(monkeypatch),
        epochs=3,
        test_every_epoch=True,
        max_minutes=max_minutes,
        accumulate_batches=accumulate_batches,
    )
    recording = Recording()
    run.fit(recording)
    assert run.state.stopped == (
        f"reached the time limit of {max_minutes:g} minutes in epoch {epoch}, after {batches} of 5 "
        "batches"
    )
    # The epoch that was cut short is evaluated and recorded like any other.
    assert [row["epoch"] for row in recording.rows] == list(range(1, epoch + 1))
    assert recording.rows[-1]["test_accuracy"] >= 0
    assert recording.rows[-1]["lr"] == recording.rates[-1][2]
    assert recording.rates[-1][:2] == (epoch - 1, batches - 1)
    assert run.state.epoch == epoch


@pytest.mark.parametrize("max_minutes", [2.5, 2.75], ids=["trained", "evaluated"])
def test_no_further_epoch_is_begun_where_one_ended_at_the_time_limit(monkeypatch, max_minutes):
    run = make_run(
        learner=clocked(monkeypatch), epochs=3, test_every_epoch=True, max_minutes=max_minutes
    )
    recording = Recording()
    run.fit(recording)  # 150 s of training and 20 s of evaluation are 2.5 and 2.83 minutes
    assert len(recording.rates) == 5
    assert [row["epoch"] for row in recording.rows] == [1]
    assert run.state.stopped == f"reached the time limit of {max_minutes:g} minutes in epoch 1"


@pytest.mark.parametrize("accumulate_batches", [1, 2])
def test_limits_leave_the_rates_of_what_is_still_trained_unchanged(accumulate_batches):
    def updates(**limits: int) -> set[tuple[int, int, float]]:
        recording = Recording()
        make_run(epochs=4, accumulate_batches=accumulate_batches, **limits).fit(recording)
        return {rate for rate in recording.rates if rate[1] % accumulate_batches == last}

    last = accumulate_batches - 1  # index of an update's last batch
    short = updates(limit_batches=2 * accumulate_batches, limit_epochs=3)
    assert {rate[:2] for rate in short} == {
        (epoch, accumulate_batches * update + last) for epoch in range(3) for update in range(2)
    }
    assert short <= updates()


def test_limits_beyond_the_run_change_nothing():
    whole, limited = Recording(), Recording()
    make_run(epochs=2).fit(whole)
    make_run(epochs=2, limit_batches=99, limit_epochs=99).fit(limited)
    assert limited.rates == whole.rates
    assert [without_times(row) for row in limited.rows] == [without_times(r) for r in whole.rows]


@pytest.mark.parametrize(
    ("accumulate_batches", "step", "rate"), [(1, 7, "0.125"), (2, 4, "0.07812")]
)
def test_a_loss_that_is_not_finite_is_named_with_epoch_step_and_rate(
    accumulate_batches, step, rate
):
    class Breaking(Watched):
        def loss_and_logits(self, batch, forward=None):
            loss, logits = super().loss_and_logits(batch, forward)
            return loss * (float("inf") if self.trained == 8 else 1), logits

    run = make_run(learner=Breaking, epochs=3, accumulate_batches=accumulate_batches)
    ended, recording = [], Recording()
    message = (
        rf"the training loss became non-finite in epoch 2, at step {step} of the run, with "
        rf"learning rate {rate}; "
        r"lower the learning rate, set trainer\.clip_gradient_norm, or try "
        r"trainer\.precision=float32"
    )
    with pytest.raises(NonFinite, match=message):
        run.fit(HookList(recording, Calling(on_fit_end=lambda: ended.append(True))))
    # The failed epoch is handed over like any other, so that it can be looked at.
    assert [math.isfinite(row["train_loss"]) for row in recording.rows] == [True, False]
    assert ended == [True]


# Interrupted and resumed


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_finishes_the_step_and_hands_over_the_state(signum):
    run = make_run(accumulate_batches=2)
    heard = []

    def at_batch_end(state: TrainingState) -> None:
        heard.append(("batch", state.batches_done))
        if state.batches_done == 1:  # half-way through a step
            signal.raise_signal(signum)

    hooks = Calling(
        on_batch_end=at_batch_end,
        on_interrupt=lambda state: heard.append(("interrupt", state is run.state)),
        on_fit_end=lambda: heard.append(("end", True)),
    )
    before = flat(run.state.model)
    with pytest.raises(Interrupted) as caught:
        run.fit(hooks)
    assert caught.value.signum == signum
    assert heard == [("batch", 1), ("batch", 2), ("interrupt", True), ("end", True)]
    assert not torch.equal(flat(run.state.model), before)
    assert all(p.grad is None for p in run.state.model.parameters())


def test_a_request_to_stop_during_an_evaluation_does_not_wait_for_its_end():
    run = resumable_run(seed=0)
    run.learner.watch = lambda evaluating: evaluating and signal.raise_signal(signal.SIGTERM)
    recording = Recording()
    with pytest.raises(Interrupted):
        run.fit(recording)
    assert run.learner.evaluated == 1
    assert recording.rows == []


#: When a signal arrives: epoch (from 0), and batch, evaluation batch or end of that epoch.
MOMENTS = {
    "within an epoch": ("batch", 1, 2),
    "within the first step": ("batch", 0, 1),
    "with the last batch of an epoch": ("batch", 1, 5),
    "during validation": ("evaluation", 1, 1),
    "with the last batch of test": ("evaluation", 1, 4),
    "at the end of an epoch": ("epoch", 1, 0),
    "at the end of the last epoch": ("epoch", 2, 0),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("accumulate_batches", [1, 2])
def test_an_interrupted_run_ends_like_an_uninterrupted_one(moment, accumulate_batches):
    (whole, expected), (second, recording) = interrupted_and_not(moment, accumulate_batches)
    assert [without_times(row) for row in recording.rows] == [
        without_times(row) for row in expected.rows
    ]
    assert recording.best == expected.best
    assert_identical(second.state, whole.state)


@pytest.mark.parametrize("accumulate_batches", [1, 2])
@pytest.mark.parametrize("mixing", [Mixup(1.0, 0.7), CutMix(1.0, 0.7)])
def test_a_mixing_run_interrupted_within_an_epoch_ends_like_an_uninterrupted_one(
    mixing, accumulate_batches
):
    (whole, expected), (second, recording) = interrupted_and_not(
        MOMENTS["within an epoch"], accumulate_batches, mixing
    )
    assert [without_times(row) for row in recording.rows] == [
        without_times(row) for row in expected.rows
    ]
    assert_identical(second.state, whole.state)


@pytest.mark.parametrize("moment", ["within an epoch", "at the end of an epoch"])
def test_a_run_with_cycled_momentum_that_was_interrupted_ends_like_an_uninterrupted_one(moment):
    (whole, expected), (second, recording) = interrupted_and_not(MOMENTS[moment], 1, cycled=True)
    found = [row["momentum"] for row in recording.rows]
    assert found == [row["momentum"] for row in expected.rows]
    assert found == pytest.approx([0.95 - 0.1 * 4 / 7, 0.95 - 0.1 * 5 / 7, 0.95])  # peak: step 7
    assert_identical(second.state, whole.state)


@pytest.mark.parametrize("moment", ["within an epoch", "at the end of an epoch"])
def test_a_run_on_smaller_images_that_was_interrupted_ends_like_an_uninterrupted_one(moment):
    sizes = ((0, 2), (1, 3), (2, 4))
    (whole, _), (second, _) = interrupted_and_not(MOMENTS[moment], 1, image_sizes=sizes)
    assert_identical(second.state, whole.state)


def test_a_best_epoch_that_was_interrupted_while_tested_is_still_the_best():
    (_, expected), (_, recording) = interrupted_and_not(("evaluation", 0, 2), 1)
    assert expected.best[0]
    assert recording.best == expected.best


def test_an_epoch_cut_short_by_time_and_interrupted_while_evaluated_is_still_recorded(monkeypatch):
    learner = clocked(monkeypatch)
    first = make_run(learner=learner, max_minutes=1, test_every_epoch=True)
    saved: list[dict[str, Any]] = []
    first.learner.watch = lambda evaluating: evaluating and signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted):
        first.fit(Calling(on_interrupt=lambda state: saved.append(saved_and_read(state))))
    second = make_run(learner=learner, max_minutes=1, test_every_epoch=True)
    second.state.load_state_dict(saved[0])
    recording = Recording()
    second.fit(recording)
    assert "after 2 of 5 batches" in str(second.state.stopped)
    assert [row["epoch"] for row in recording.rows] == [1]


def test_the_times_of_an_epoch_count_what_was_trained_before_an_interruption(monkeypatch):
    learner, saved, recording = clocked(monkeypatch), [], Recording()
    first, second = (make_run(learner=learner, test_every_epoch=True) for _ in range(2))
    first.learner.watch = lambda _: (
        first.learner.trained == 3 and signal.raise_signal(signal.SIGINT)
    )
    with pytest.raises(Interrupted):
        first.fit(Calling(on_interrupt=lambda state: saved.append(saved_and_read(state))))
    second.state.load_state_dict(saved[0])
    second.fit(recording)
    assert second.learner.trained == 2 + 5
    assert [row["epoch_seconds"] for row in recording.rows] == [170, 170]
    assert [row["images_per_second"] for row in recording.rows] == [20 / 150] * 2


def test_a_run_goes_on_from_the_state_of_an_epochs_end():
    whole, saved = resumable_run(seed=0), []
    expected, recording = Recording(), Recording()
    keep = Calling(on_epoch_end=lambda state, *_: saved.append(saved_and_read(state)))
    whole.fit(HookList(expected, keep))
    second = resumable_run(seed=1)
    second.state.load_state_dict(saved[0])
    second.fit(recording)
    assert [row["epoch"] for row in recording.rows] == [2, 3]
    assert [without_times(r) for r in recording.rows] == [
        without_times(r) for r in expected.rows[1:]
    ]
    assert_identical(second.state, whole.state)


def test_a_run_that_stopped_early_is_not_trained_further():
    changes = {"validation": 4, "epochs": 5, "early_stopping_patience": 1}
    first = make_run(learner=lambda *a: Scripted([0.5, 0.25], *a), **changes)
    first.fit()
    second = make_run(learner=lambda *a: Scripted([], *a), **changes)
    second.state.load_state_dict(saved_and_read(first.state))
    recording = Recording()
    second.fit(recording)
    assert recording.rows == []
    assert second.state.stopped == "validation accuracy has not improved for 1 epoch"


# Small runs


@dataclass
class Run:
    """All the arguments of ``fit``."""

    engine: Engine
    learner: Learner
    loaders: Loaders
    schedule: Ramp | OneCycle
    state: TrainingState
    dataset: Dataset

    def fit(self, hooks: Hooks | None = None) -> None:
        stop = StopRequest()
        with stop.listening():
            self.engine.fit(
                self.learner, self.loaders, self.schedule, self.state, hooks or Hooks(), stop
            )

    def training_images(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        arrays = self.dataset.source.train
        normalise = Normalise(self.dataset.mean, self.dataset.std, CPU, False, torch.float32)
        images = normalise(torch.from_numpy(arrays.images[rows]))
        return images, torch.from_numpy(arrays.labels[rows])


@dataclass(frozen=True)
class Ramp:
    """A learning rate unique to each step, exact in binary."""

    total_steps: int
    steps_per_epoch: int

    def learning_rate(self, step: int) -> float:
        assert 0 <= step < self.total_steps
        return (step + 1) / 64


class Calling(Hooks):
    """Hooks from functions."""

    def __init__(self, **functions: Callable[..., Any]):
        for name, function in functions.items():
            assert hasattr(Hooks, name)
            setattr(self, name, function)


class Recording(Hooks):
    """Records rows, which were best, and the rate after each batch."""

    def __init__(self):
        self.rows, self.best, self.rates = [], [], []

    def on_batch_end(self, state):
        rate = state.optimizer.param_groups[0]["lr"]
        self.rates.append((state.epoch, state.batches_done - 1, rate))

    def on_epoch_end(self, state, row, is_best):
        self.rows.append(row)
        self.best.append(is_best)


class Watched(Learner):
    """Counts batches, and notifies a watcher before each is computed."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.trained = self.evaluated = 0
        self.watch: Callable[[bool], Any] = lambda evaluating: None

    def logits(self, images, forward):
        evaluating = not torch.is_grad_enabled()
        if evaluating:
            self.evaluated += 1
        else:
            self.trained += 1
        self.watch(evaluating)
        return super().logits(images, forward)


class Scripted(Learner):
    """Evaluates to given accuracies in turn, with given losses or the loss ``1 - accuracy``."""

    def __init__(self, results: list[float | tuple[float, float]], *arguments):
        super().__init__(*arguments)
        self.results = iter(results)

    def predict(self, batches, model):
        result = next(self.results)
        accuracy, mean = result if isinstance(result, tuple) else (result, 1 - result)
        metrics = RunningMetrics(CPU)
        labels = torch.tensor([0] * round(100 * accuracy) + [1] * round(100 * (1 - accuracy)))
        logits = torch.tensor([[1.0, 0.0]]).expand(100, 2)
        loss = torch.tensor(mean, dtype=torch.float64)
        metrics.update(loss, correct(logits, labels), len(labels), 0)
        return logits, metrics


class Slope(nn.Module):
    """A single weight, which is every logit."""

    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(()))

    def forward(self, images):
        return self.value.expand(len(images), CLASSES)


class FirstLogit(nn.Module):
    def forward(self, logits, labels):
        return logits[:, 0].mean()


class Sized(nn.Module):
    """Accepts images of any size, and notes their width and whether it is trained."""

    def __init__(self, seen: list[tuple[bool, int]]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, CLASSES)
        self.seen = seen

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append((self.training, images.shape[3]))
        return self.head(self.conv(images).amax((2, 3)))


class Jitter(nn.Module):
    """Draws from Python's random state while training."""

    def forward(self, x):
        return x * (1 + random.random()) if self.training else x


def make_net(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 6), nn.Tanh(), nn.Linear(6, CLASSES))


def make_run(
    *,
    images: int = 20,
    validation: int = 0,
    net: nn.Module | None = None,
    criterion: nn.Module | None = None,
    learner: Callable[..., Learner] = Learner,
    optimizer: Callable[..., torch.optim.Optimizer] | None = None,
    momentum: float = 0.0,
    mixing: Mixing | None = None,
    precision: Precision = "float32",
    device: torch.device = CPU,
    **changes: Any,
) -> Run:
    """Twenty random images in five batches of four, two epochs, SGD."""
    plan = make_plan(**changes)
    several = {"devices": 1, "num_nodes": 1, "strategy": "auto"}
    engine = ENGINE["class"](plan=plan, **(several if ENGINE["class"] is LightningTrainer else {}))
    dataset = random_dataset(images, validation)
    normalise = Normalise(
        dataset.mean, dataset.std, device, channels_last=False, dtype=torch.float32
    )
    train, test = dataset.source.train, dataset.source.test
    pixels, test_pixels = (Pixels(arrays.images, device, resident=True) for arrays in (train, test))
    val = EvalLoader(pixels, train.labels, dataset.val_indices, normalise, batch_size=5)
    loaders = Loaders(
        train=TrainLoader(
            dataset, pixels, None, normalise, mixing, plan.batch_size, seed=0, workers=0
        ),
        val=val if validation else None,
        test=EvalLoader(test_pixels, test.labels, np.arange(len(test)), normalise, batch_size=5),
    )
    steps_per_epoch = plan.steps_per_epoch(images, processes=1)
    model = (make_net(seed=0) if net is None else net).to(device)
    if optimizer is None:
        sgd = torch.optim.SGD(model.parameters(), lr=9.0, momentum=momentum)
    return Run(
        engine,
        learner(model, criterion or nn.CrossEntropyLoss(), device, precision, False),
        loaders,
        Ramp(plan.epochs * steps_per_epoch, steps_per_epoch),
        TrainingState(
            model,
            sgd if optimizer is None else optimizer(model.parameters()),
            plan.ema_decay,
            device,
            plan.ema_warmup,
        ),
        dataset,
    )


def random_dataset(images: int, validation: int) -> Dataset:
    generator = np.random.default_rng(0)

    def arrays(count: int) -> ImageArrays:
        return ImageArrays(
            generator.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8),
            generator.integers(0, CLASSES, count),
            ("a", "b", "c"),
            np.array([str(number) for number in range(count)]),
        )

    rows = generator.permutation(images + validation)
    return Dataset(
        SourceImages(arrays(images + validation), arrays(7), "fingerprint"),
        train_indices=rows[:images],
        val_indices=rows[images:],
        mean=np.full(3, 0.5),
        std=np.full(3, 0.25),
    )


def clocked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Watched]:
    """A learner with a simulated clock: 30 s per training batch, 10 s per evaluation batch."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(fit_module, "time", SimpleNamespace(monotonic=lambda: clock.now))

    class Clocked(Watched):
        def logits(self, images, forward):
            clock.now += 30 if torch.is_grad_enabled() else 10
            return super().logits(images, forward)

    return Clocked


def one_cycle(epochs: int, peak_epoch: float | None = 2) -> OneCycle:
    """One cycle of five steps an epoch, from 0.01 to 0.1 and down to 0.001, momentum included."""
    return OneCycle(
        epochs=epochs,
        steps_per_epoch=5,
        max_lr=0.1,
        peak_epoch=peak_epoch,
        div_factor=10,
        final_div_factor=10,
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
    )


def resumable_run(
    seed: int,
    accumulate_batches: int = 1,
    mixing: Mixing | None = None,
    cycled: bool = False,
    image_sizes: tuple[tuple[int, int], ...] | None = None,
) -> Run:
    """Includes all randomness (dropout, Python's draws) and all state (momentum, EMA)."""
    torch.manual_seed(seed)
    random.seed(seed)
    net = nn.Sequential(
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(48, 8),
        nn.BatchNorm1d(8),
        nn.Dropout(0.5),
        Jitter(),
        nn.Linear(8, CLASSES),
    )
    run = make_run(
        net=net,
        learner=Watched,
        mixing=mixing,
        momentum=0.9,
        epochs=3,
        validation=7,
        test_every_epoch=True,
        ema_decay=0.5,
        accumulate_batches=accumulate_batches,
        image_sizes=image_sizes,
    )
    if cycled:
        run.schedule = one_cycle(epochs=3, peak_epoch=1.6)
    return run


def interrupted_and_not(
    moment: tuple[str, int, int],
    accumulate_batches: int,
    mixing: Mixing | None = None,
    cycled: bool = False,
    image_sizes: tuple[tuple[int, int], ...] | None = None,
) -> tuple[tuple[Run, Recording], tuple[Run, Recording]]:
    """A whole run, and one that was interrupted and then continued in a fresh object."""
    words = (accumulate_batches, mixing, cycled, image_sizes)
    whole, expected = resumable_run(0, *words), Recording()
    whole.fit(expected)
    first, recording = resumable_run(0, *words), Recording()
    saved: list[dict[str, Any]] = []
    kind, epoch, number = moment

    def ask(happened: bool) -> None:
        if happened:
            signal.raise_signal(signal.SIGINT)

    # Two validation batches and two test batches make four evaluations per epoch.
    first.learner.watch = lambda evaluating: ask(
        kind == "evaluation" and evaluating and first.learner.evaluated == 4 * epoch + number
    )
    interrupt = Calling(
        on_batch_end=lambda state: ask(
            kind == "batch" and (state.epoch, state.batches_done) == (epoch, number)
        ),
        on_epoch_end=lambda state, *_: ask(kind == "epoch" and state.epoch == epoch + 1),
        on_interrupt=lambda state: saved.append(saved_and_read(state)),
    )
    with pytest.raises(Interrupted):
        first.fit(HookList(recording, interrupt))
    second = resumable_run(1, *words)
    second.state.load_state_dict(saved[0])
    second.fit(recording)
    return (whole, expected), (second, recording)


def saved_and_read(state: TrainingState) -> dict[str, Any]:
    buffer = io.BytesIO()
    torch.save(state.state_dict(), buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


def everything(loader: EvalLoader) -> tuple[Tensor, Tensor]:
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


def without_times(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name not in TIME_COLUMNS}


def copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def flat(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def assert_close(actual: nn.Module, expected: nn.Module) -> None:
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(actual.state_dict()[name], value, rtol=1e-4, atol=1e-6)


def assert_identical(actual: TrainingState, expected: TrainingState) -> None:
    for mine, theirs in (
        (actual.model.state_dict(), expected.model.state_dict()),
        (actual.evaluated_model.state_dict(), expected.evaluated_model.state_dict()),
    ):
        assert all(torch.equal(value, theirs[name]) for name, value in mine.items())
    buffers = [s.optimizer.state_dict()["state"] for s in (actual, expected)]
    assert all(
        torch.equal(value["momentum_buffer"], buffers[1][key]["momentum_buffer"])
        for key, value in buffers[0].items()
    )
    assert actual.best == expected.best
