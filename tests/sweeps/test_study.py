"""What a study chooses lies in the space, and does not depend on the process that asks."""

from __future__ import annotations

import math
import sys

import pytest

from cifar_lab.config.search_space import Choices, Numbers
from cifar_lab.refusal import Refusal
from cifar_lab.results.search import SearchOptions
from cifar_lab.results.trials import Trial
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps import study
from cifar_lab.sweeps.study import Study, library, opened

pytestmark = pytest.mark.extra("search")
SPACE = (
    Numbers("lr", 1e-4, 1e-1, None, whole=False, log=True),
    Numbers("width", 16, 128, 16, whole=True, log=False),
    Numbers("p", 0, 0.9, 0.1, whole=False, log=False),
    Choices("optimizer", ("adam", "sgd", "[8,8]")),
)


def options(sampler="tpe", seed=0):
    return SearchOptions(9, sampler, seed, None, 0, 5, None)


def a_study(tmp_path, **kwargs):
    return Study("it", SweepFolder(tmp_path), options(**kwargs), SPACE, maximize=True)


def value(choice):
    return -abs(math.log10(float(choice["lr"])) + 2) + 0.001 * (choice["optimizer"] == "adam")


@pytest.mark.parametrize("sampler", ["tpe", "gp", "random"])
def test_every_value_lies_in_the_space(sampler, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "STARTUP", 2)
    asked = a_study(tmp_path, sampler=sampler)
    for number in range(4):
        chosen = asked.ask(number)
        assert 1e-4 <= float(chosen["lr"]) <= 1e-1
        assert int(chosen["width"]) in range(16, 129, 16)
        assert float(chosen["p"]) in [round(0.1 * n, 6) for n in range(10)]
        assert chosen["optimizer"] in SPACE[3].corners
        asked.tell(Trial(number, "done", value(chosen), None), ())
    assert asked.open == []
    assert asked.learned == 4


def test_another_process_chooses_the_same_and_another_seed_something_else(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    whole = a_study(tmp_path / "a")
    first = [whole.ask(number) for number in range(3)]
    second = [a_study(tmp_path / "b").ask(number) for number in range(3)]
    assert first == second
    assert a_study(tmp_path / "c", seed=1).ask(0) != first[0]
    assert len({each["lr"] for each in first}) == 3


def test_a_trial_that_was_asked_for_keeps_its_values(tmp_path):
    chosen = a_study(tmp_path).ask(0)
    again = a_study(tmp_path, seed=5)
    assert again.open == [0]
    assert again.ask(0) == chosen


def test_the_key_that_matters_is_the_most_important_one(tmp_path):
    asked = a_study(tmp_path, sampler="random")
    assert asked.importances() is None
    for number in range(12):
        chosen = asked.ask(number)
        assert asked.importances() is None or number >= study.LEAST_FOR_IMPORTANCES
        state = "failed" if number == 3 else "done"
        asked.tell(Trial(number, state, None if number == 3 else value(chosen), None), ())
    found = asked.importances()
    assert found.trials == 11
    assert max(found.shares, key=found.shares.get) == "lr"
    assert sum(found.shares.values()) == pytest.approx(1)


def test_pruned_trials_keep_what_they_reached(tmp_path):
    import optuna

    asked = a_study(tmp_path)
    asked.ask(0)
    asked.tell(Trial(0, "pruned", 0.3, None), [0.2, 0.3])
    url = f"sqlite:///{tmp_path / 'search.db'}"
    (trial,) = optuna.load_study(study_name="it", storage=url).trials
    assert trial.state.name == "PRUNED"
    assert trial.intermediate_values == {1: 0.2, 2: 0.3}


def test_without_optuna_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(Refusal, match=r"pip install 'cifar-lab\[search\]'"):
        library()


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////no/such/folder/at/all.db"])
def test_a_storage_that_cannot_be_opened_is_refused(url):
    with pytest.raises(Refusal, match=r"could not be opened: .*leave out hydra\.sweeper"):
        opened(url)
