"""Every schedule, at every step, compared with torch's or with an explicit formula."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR, OneCycleLR

from cifar_lab.optim.schedules import (
    Constant,
    Cosine,
    MultiStep,
    OneCycle,
    Triangular,
    cycles_momentum,
    momentum_at,
)

MAX = 0.4
#: Steps per epoch in the course studies: 50,000 images in batches of 512.
STEPS = 98
NOT_CYCLED = {"cycle_momentum": False, "base_momentum": 0.85, "max_momentum": 0.95}


@pytest.mark.parametrize("cycle_momentum", [False, True])
@pytest.mark.parametrize("final_div_factor", [1, 100])
@pytest.mark.parametrize(
    ("epochs", "steps_per_epoch", "peak_epoch"), [(24, STEPS, 5), (20, STEPS, 5), (4, 10, 1.5)]
)
def test_one_cycle_equals_torch_at_every_step(
    epochs, steps_per_epoch, peak_epoch, final_div_factor, cycle_momentum
):
    schedule = one_cycle(
        cycle_momentum=cycle_momentum,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        peak_epoch=peak_epoch,
        final_div_factor=final_div_factor,
    )
    expected = stepped_with_momentum(
        epochs * steps_per_epoch,
        lambda optimizer: OneCycleLR(
            optimizer,
            MAX,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            pct_start=peak_epoch / epochs,
            anneal_strategy="linear",
            cycle_momentum=cycle_momentum,
            three_phase=False,
            div_factor=100,
            final_div_factor=final_div_factor,
        ),
    )
    np.testing.assert_allclose(rates(schedule), [rate for rate, _ in expected], rtol=1e-9)
    momenta = [momentum_at(schedule, step) for step in range(schedule.total_steps)]
    if cycle_momentum:
        np.testing.assert_allclose(momenta, [momentum for _, momentum in expected], rtol=1e-9)
        assert (momenta[0], min(momenta), momenta[-1]) == (0.95, 0.85, 0.95)
    else:
        assert momenta == [None] * len(expected)
    assert cycles_momentum(schedule) == cycle_momentum


def test_a_momentum_at_the_peak_above_the_one_at_the_ends_is_refused():
    with pytest.raises(ValueError, match=r"base_momentum=0.97 must be at most max_momentum=0.95"):
        one_cycle(base_momentum=0.97)


@pytest.mark.parametrize("final_div_factor", [1, 100])
def test_the_maximum_lies_on_the_last_step_of_epoch_five(final_div_factor):
    planned = rates(one_cycle(peak_epoch=5, final_div_factor=final_div_factor))
    assert planned.argmax() == 5 * STEPS - 1
    assert planned.max() == MAX
    assert (planned == MAX).sum() == 1


@pytest.mark.parametrize(("final_div_factor", "end"), [(1, MAX / 100), (100, MAX / 10_000)])
def test_one_cycle_begins_and_ends_where_its_factors_say(final_div_factor, end):
    planned = rates(one_cycle(peak_epoch=5, final_div_factor=final_div_factor))
    assert planned[0] == pytest.approx(MAX / 100, rel=1e-12)
    assert planned[-1] == pytest.approx(end, rel=1e-9)


def test_one_cycle_peaks_at_a_fifth_of_the_run_unless_told_otherwise():
    assert rates(one_cycle(epochs=20, peak_epoch=None)).argmax() == 4 * STEPS - 1


def test_the_triangle_is_linear_between_its_corners():
    schedule = Triangular(
        epochs=5,
        steps_per_epoch=4,
        max_lr=MAX,
        peak_epoch=2,
        start_fraction=0.25,
        end_fraction=0.125,
    )
    expected = np.interp(np.arange(20), [0, 7, 19], [0.25 * MAX, MAX, 0.125 * MAX])
    np.testing.assert_allclose(rates(schedule), expected, rtol=1e-12)


def test_a_fractional_peak_falls_on_the_nearest_step():
    schedule = Triangular(
        epochs=3,
        steps_per_epoch=10,
        max_lr=MAX,
        peak_epoch=1.26,
        start_fraction=0,
        end_fraction=0,
    )
    assert rates(schedule).argmax() == 13 - 1


def test_the_triangle_peaks_at_a_fifth_of_the_run_unless_told_otherwise():
    schedule = Triangular(
        epochs=10, steps_per_epoch=7, max_lr=MAX, peak_epoch=None, start_fraction=0, end_fraction=0
    )
    assert rates(schedule).argmax() == 2 * 7 - 1


@pytest.mark.parametrize("end_fraction", [0.0, 0.05])
def test_the_cosine_equals_torch_at_every_step(end_fraction):
    schedule = Cosine(
        epochs=6, steps_per_epoch=9, max_lr=MAX, warmup_epochs=0, end_fraction=end_fraction
    )
    expected = stepped(
        54, lambda optimizer: CosineAnnealingLR(optimizer, T_max=53, eta_min=end_fraction * MAX)
    )
    np.testing.assert_allclose(rates(schedule), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("warmup_epochs", "warmup_steps"), [(1, 8), (1.5, 12)])
def test_the_cosine_rises_by_equal_steps_and_then_falls(warmup_epochs, warmup_steps):
    schedule = Cosine(
        epochs=4, steps_per_epoch=8, max_lr=MAX, warmup_epochs=warmup_epochs, end_fraction=0.1
    )
    rise = [MAX * (k + 1) / warmup_steps for k in range(warmup_steps)]
    length = 32 - warmup_steps
    fall = [
        0.1 * MAX + 0.9 * MAX * (1 + math.cos(math.pi * k / (length - 1))) / 2
        for k in range(length)
    ]
    np.testing.assert_allclose(rates(schedule), rise + fall, rtol=1e-12)


@pytest.mark.parametrize("milestones", [(), (2,), (2, 4.5), (1, 1, 3)])
def test_the_milestones_equal_torch_at_every_step(milestones):
    schedule = MultiStep(
        epochs=6, steps_per_epoch=10, max_lr=MAX, milestone_epochs=milestones, gamma=0.3
    )
    in_steps = [round(10 * milestone) for milestone in milestones]
    expected = stepped(60, lambda optimizer: MultiStepLR(optimizer, in_steps, gamma=0.3))
    np.testing.assert_allclose(rates(schedule), expected, rtol=1e-12)


def test_the_rate_falls_with_the_first_step_after_a_milestone():
    schedule = MultiStep(
        epochs=3, steps_per_epoch=5, max_lr=1.0, milestone_epochs=(1, 2), gamma=0.5
    )
    assert rates(schedule).tolist() == [1.0] * 5 + [0.5] * 5 + [0.25] * 5


def test_the_constant_is_constant():
    schedule = Constant(epochs=3, steps_per_epoch=4, max_lr=MAX)
    assert rates(schedule).tolist() == [MAX] * 12


@pytest.mark.parametrize(
    ("epochs", "steps_per_epoch"), list(itertools.product((1, 2, 7), (1, 2, 33)))
)
def test_no_rate_is_negative_or_above_the_maximum_and_the_maximum_is_reached(
    epochs, steps_per_epoch
):
    for schedule in every_schedule(epochs, steps_per_epoch):
        planned = rates(schedule)
        assert len(planned) == epochs * steps_per_epoch, schedule
        assert planned.min() >= 0, schedule
        assert planned.max() == MAX, schedule


def test_a_run_of_one_step_uses_the_maximum():
    for schedule in every_schedule(1, 1):
        assert rates(schedule).tolist() == [MAX], schedule


@pytest.mark.parametrize("peak", [0.01, 0.99])
def test_a_peak_on_the_first_or_on_the_last_step_leaves_no_step_without_a_rate(peak):
    schedule = Triangular(
        epochs=1,
        steps_per_epoch=10,
        max_lr=MAX,
        peak_epoch=peak,
        start_fraction=0.5,
        end_fraction=0.25,
    )
    planned = rates(schedule)
    if peak < 0.5:
        np.testing.assert_allclose(planned, np.linspace(MAX, 0.25 * MAX, 10))
    else:
        np.testing.assert_allclose(planned, np.linspace(0.5 * MAX, MAX, 10))


@pytest.mark.parametrize("peak_epoch", [24, 30])
def test_a_peak_that_is_not_before_the_end_is_refused(peak_epoch):
    message = (
        rf"peak_epoch={peak_epoch} must be less than the 24 epochs of the run; "
        r"lower scheduler\.peak_epoch or raise trainer\.epochs"
    )
    with pytest.raises(ValueError, match=message):
        one_cycle(peak_epoch=peak_epoch)
    with pytest.raises(ValueError, match=message):
        Triangular(
            epochs=24,
            steps_per_epoch=STEPS,
            max_lr=MAX,
            peak_epoch=peak_epoch,
            start_fraction=0,
            end_fraction=0,
        )


def test_a_warm_up_that_is_not_before_the_end_is_refused():
    with pytest.raises(
        ValueError,
        match=r"warmup_epochs=4\.5 must be less than the 4 epochs of the run; lower "
        r"scheduler\.warmup_epochs or raise trainer\.epochs",
    ):
        Cosine(epochs=4, steps_per_epoch=8, max_lr=MAX, warmup_epochs=4.5, end_fraction=0)


def test_a_milestone_that_is_not_before_the_end_is_refused():
    with pytest.raises(
        ValueError,
        match=r"milestone_epochs=\[2, 6\] must all be less than the 6 epochs of the run; "
        r"lower scheduler\.milestone_epochs or raise trainer\.epochs",
    ):
        MultiStep(epochs=6, steps_per_epoch=8, max_lr=MAX, milestone_epochs=(2, 6), gamma=0.1)


def test_milestones_that_do_not_ascend_are_refused():
    with pytest.raises(
        ValueError, match=r"milestone_epochs must be in ascending order, got \[4, 2\]"
    ):
        MultiStep(epochs=6, steps_per_epoch=8, max_lr=MAX, milestone_epochs=(4, 2), gamma=0.1)


def one_cycle(**changes) -> OneCycle:
    arguments = {
        "epochs": 24,
        "steps_per_epoch": STEPS,
        "max_lr": MAX,
        "peak_epoch": 5,
        "div_factor": 100,
        "final_div_factor": 1,
        **NOT_CYCLED,
    }
    return OneCycle(**(arguments | changes))


def every_schedule(epochs: int, steps_per_epoch: int) -> list:
    length = {"epochs": epochs, "steps_per_epoch": steps_per_epoch, "max_lr": MAX}
    half = epochs / 2
    return [
        Constant(**length),
        *(
            Triangular(**length, peak_epoch=peak, start_fraction=start, end_fraction=end)
            for peak in (None, half)
            for start in (0.0, 0.2)
            for end in (0.0, 0.1)
        ),
        *(
            OneCycle(
                **length, peak_epoch=None, div_factor=100, final_div_factor=final, **NOT_CYCLED
            )
            for final in (1, 100, 1e300)
        ),
        *(Cosine(**length, warmup_epochs=warmup, end_fraction=0.0) for warmup in (0, half)),
        MultiStep(**length, milestone_epochs=(half,) if steps_per_epoch > 1 else (), gamma=0.1),
    ]


def rates(schedule) -> np.ndarray:
    return np.array([schedule.learning_rate(step) for step in range(schedule.total_steps)])


def stepped(steps: int, make) -> list[float]:
    """The rates that torch's scheduler sets for each update, stepped once after each."""
    return [rate for rate, _ in stepped_with_momentum(steps, make)]


def stepped_with_momentum(steps: int, make) -> list[tuple[float, float]]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=MAX, momentum=0.5)
    scheduler: LRScheduler = make(optimizer)
    used = []
    for step in range(steps):
        used.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        if step < steps - 1:
            scheduler.step()
    return used
