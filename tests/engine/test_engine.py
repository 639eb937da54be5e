"""A custom engine: what it must define, and what the base class provides."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from cifar_lab.engine.engine import Engine
from cifar_lab.engine.fit import Fit
from cifar_lab.engine.step import EagerStep
from cifar_lab.engine.world import ALONE
from tests.engine.plans import make_plan
from tests.engine.test_trainer import Calling, Recording, assert_identical, make_run, without_times


@dataclasses.dataclass(frozen=True, kw_only=True)
class Impatient(Engine):
    """Gets its batches one at a time, and may stop before one."""

    gives_up_before: int | None = None

    def drive(self, fit: Fit) -> None:
        number = 0
        while fit.goes_on:
            fit.begin_epoch()
            while fit.state.batches_done < fit.batches:
                if number == self.gives_up_before:
                    raise ZeroDivisionError
                fit.train(next(fit.epoch_batches()))
                number += 1
            fit.end_epoch()

    def why_not_captured(self, device: torch.device) -> str | None:
        return "nobody does"


def test_it_trains_what_the_native_engine_trains():
    changes = {"epochs": 3, "accumulate_batches": 2, "momentum": 0.9, "validation": 7}
    runs, recordings = [make_run(**changes) for _ in range(2)], [Recording() for _ in range(2)]
    runs[1].engine = Impatient(plan=runs[1].engine.plan)
    for run, recording in zip(runs, recordings, strict=True):
        run.fit(recording)
    expected, found = ([without_times(row) for row in each.rows] for each in recordings)
    assert found == expected
    assert_identical(runs[1].state, runs[0].state)


def test_hooks_hear_of_the_end_of_a_fit_that_fails():
    run, ended = make_run(), []
    run.engine = Impatient(plan=run.engine.plan, gives_up_before=3)
    with pytest.raises(ZeroDivisionError):
        run.fit(Calling(on_fit_end=lambda: ended.append(run.state.batches_done)))
    assert ended == [3]


def test_unless_it_says_otherwise_it_is_one_process_on_the_device_that_was_named():
    engine, device = Impatient(plan=make_plan()), torch.device("cuda:1")
    assert (engine.world, engine.local_workers, engine.unmet_needs()) == (ALONE, 0, [])
    assert engine.place(device) == device
    run = make_run()
    assert type(engine.step(run.learner, run.state)) is EagerStep


def test_an_engine_without_a_drive_method_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Engine(plan=make_plan())  # type: ignore[abstract]
