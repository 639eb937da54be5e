"""A schedule of added epochs, numbered from the end of the earlier run."""

from __future__ import annotations

import math

import pytest

from cifar_lab.optim.continued import Continued
from cifar_lab.optim.schedules import Cosine, cycles_momentum, momentum_at, steps_of
from tests.optim.test_schedules import MAX, one_cycle


def test_a_continued_schedule_spans_the_added_epochs_alone():
    """Half a cosine from its own first step to its last, numbered from the earlier run's end."""
    added = Cosine(epochs=3, steps_per_epoch=4, max_lr=MAX, warmup_epochs=0, end_fraction=0)
    schedule = Continued(schedule=added, epochs_before=2)
    assert list(steps_of(schedule)) == list(range(8, 20))
    assert list(steps_of(added)) == list(range(12))
    rates = [schedule.learning_rate(step) for step in steps_of(schedule)]
    expected = [MAX * (1 + math.cos(math.pi * k / 11)) / 2 for k in range(12)]
    assert rates == pytest.approx(expected, abs=1e-12)
    for outside in (7, 20):
        with pytest.raises(ValueError, match="step must be in"):
            schedule.learning_rate(outside)


def test_a_continued_cycle_has_the_momentum_of_the_added_epochs():
    added = one_cycle(epochs=2, steps_per_epoch=5, peak_epoch=1, cycle_momentum=True)
    schedule = Continued(schedule=added, epochs_before=1)
    momenta = [momentum_at(schedule, step) for step in steps_of(schedule)]
    assert momenta == [momentum_at(added, step) for step in range(10)]
    assert momenta[4] == pytest.approx(0.85)
    assert cycles_momentum(schedule)
    assert not cycles_momentum(Continued(schedule=one_cycle(), epochs_before=1))
