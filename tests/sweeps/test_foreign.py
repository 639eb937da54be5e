"""What only the lab's own sweeper understands is refused where another one is chosen."""

from __future__ import annotations

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.space import Request
from cifar_lab.refusal import Refusal
from cifar_lab.sweeps.foreign import objective_of, sweep_by
from tests.made import a_summary


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (Request((), ("optimizer=sgd",)), '--set "optimizer=sgd"'),
        (Request((), (), ("seed=1",)), '--exclude "seed=1"'),
        (Request(("pair=zip(a=choice(1,2))",)), r"pair=zip\(…\)"),
    ],
)
def test_sets_pairs_and_exclusions_need_the_labs_sweeper(request_, named):
    with pytest.raises(Refusal, match=f"{named}: only hydra/sweeper=lab"):
        sweep_by(Composer(), request_, "val_accuracy")


def test_the_objective_is_of_the_validation_images():
    summary = a_summary()
    if summary.validation is None:
        assert objective_of(summary, "val_accuracy") is None
    else:
        assert objective_of(summary, "val_accuracy") == summary.validation.accuracy
        assert objective_of(summary, "val_loss") == summary.validation.loss
