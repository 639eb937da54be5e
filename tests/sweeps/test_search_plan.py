"""A search is checked at the corners of its space before anything is written."""

from __future__ import annotations

import optuna
import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.results.search import SearchOptions
from tests.sweeps.searches import LR, a_search

pytestmark = pytest.mark.extra("search")


@pytest.mark.parametrize(
    ("words", "problems"),
    [
        (
            ["hydra.sweeper.trials=0", "hydra.sweeper.sampler=grid", "optimizer.lr=interval(2,1)"],
            [
                "hydra.sweeper.trials=0: must be greater than 0",
                "hydra.sweeper.sampler=grid: must be 'tpe', 'gp' or 'random'",
                "optimizer.lr=interval(2,1): must be an interval from a smaller to a larger finite",
            ],
        ),
        (
            [
                "optimizer.lr=interval(-1,1)",
                "model=three_block,resnet19",
                "trainer.epochs=range(0,9)",
            ],
            ["optimizer.lr=-1", "trainer.epochs=0", "model=resnet19"],
        ),
        ([LR, "dataset.validation_fraction=0"], ["hydra/sweeper=search compares trials by their"]),
        ([LR, "hydra.sweeper.storage=nonsense"], ["the storage nonsense of the search could not"]),
        ([LR, "modle=resnet18"], ["modle=resnet18: there is no key 'modle'"]),
    ],
)
def test_a_search_with_mistakes_is_refused_with_all_of_them(words, problems):
    with pytest.raises(Refusal) as refused:
        a_search(*words)
    told = refused.value.problems
    assert len(told) == len(problems)
    for problem in problems:
        assert any(each.startswith(problem) for each in told), (problem, told)


def test_the_plan_states_how_trials_are_chosen_and_has_none_yet():
    _, found = a_search(LR, "optimizer=adam,sgd", "hydra.sweeper.trials=7", "hydra.sweeper.seed=3")
    search = found.plan.search
    assert search.options == SearchOptions(7, "tpe", 3, "median", 2, 5, None)
    assert search.library == f"optuna {optuna.__version__}"
    assert search.space == {
        "optimizer.lr": "tag(log,interval(1e-4,1e-1))",
        "optimizer": "adam,sgd",
    }
    assert search.constant[-1] == "evaluate_test=false"
    assert (found.plan.kind, found.plan.jobs, found.frozen) == ("search", (), ())
    assert found.plan.keys == ("optimizer.lr", "optimizer")
    assert found.plan.ranked
