"""A confirmation runs what was chosen with new seeds, changes nothing else, and names no winner."""

from __future__ import annotations

import pytest

from cifar_lab.cli.main import main
from cifar_lab.config.compose import Composer
from cifar_lab.refusal import Refusal
from cifar_lab.results.entering import enter
from cifar_lab.results.plan import read_frozen, read_plan
from cifar_lab.sweeps.confirming import Confirmation, confirmed
from tests.results.sweeps import a_row
from tests.sweeps.test_extending import kept

COMPOSER = Composer()
ASKED = Confirmation(seeds=3, within_noise=False, all_images=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A finished sweep that adam won."""
    monkeypatch.chdir(tmp_path)
    folder = kept("outputs/here", "optimizer=sgd,adam", "seed=0,4")
    for number, accuracy in enumerate([50.0, 60.0, 50.5, 60.5]):
        enter(folder, a_row(number, accuracy))
    return folder


def test_the_winner_runs_with_seeds_that_were_not_used(folder):
    place = confirmed(folder, ASKED, "cifar-lab confirm")
    plan = read_plan(place)
    assert place.path == folder.path / "confirm-1"
    assert [(job.values["optimizer"], job.seed) for job in plan.jobs] == [
        ("adam", 5), ("adam", 6), ("adam", 7)
    ]  # fmt: skip
    assert (plan.kind, plan.test, plan.ranked, plan.chosen_from) == (
        "confirmation", "open", False, 2
    )  # fmt: skip
    again = read_plan(confirmed(folder, ASKED, "cifar-lab confirm"))
    assert [job.seed for job in again.jobs] == [8, 9, 10]


def test_nothing_but_the_seed_and_the_test_set_changes(folder):
    place = confirmed(folder, ASKED, "cifar-lab confirm")
    then, now = read_frozen(folder, 1).config, read_frozen(place, 0).config
    changed = {key for key in then if then[key] != now[key]}
    assert changed == {"seed", "evaluate_test"}
    assert now["evaluate_test"] is True


def test_all_images_trains_on_the_validation_images_too(folder):
    place = confirmed(folder, Confirmation(1, False, True), "cifar-lab confirm")
    frozen = read_frozen(place, 0)
    assert frozen.config["dataset"]["validation_fraction"] == 0
    assert "dataset.validation_fraction=0" in frozen.overrides


def test_the_set_within_noise_can_be_confirmed(folder):
    for number in (0, 2):  # now as good as adam
        enter(folder, a_row(number, 60.2))
    plan = read_plan(confirmed(folder, Confirmation(1, True, False), "cifar-lab confirm"))
    assert {job.values["optimizer"] for job in plan.jobs} == {"sgd", "adam"}


def test_an_unfinished_sweep_or_one_that_ranks_nothing_is_refused(folder, tmp_path):
    seeds = kept("outputs/seeds", "seed=0,1")
    enter(seeds, a_row(0, 50.0))
    with pytest.raises(Refusal, match="ranks no configurations"):
        confirmed(seeds, ASKED, "")
    half = kept("outputs/half", "optimizer=sgd,adam", "seed=0,1")
    enter(half, a_row(0, 50.0))
    with pytest.raises(Refusal, match="3 jobs are left; continue it with `cifar-lab resume"):
        confirmed(half, ASKED, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "0"], "--seeds=0: must be between 1 and 1,000"),
        (["optimizer=sgd"], "accepts no overrides, got optimizer=sgd"),
        (["--seeds", "x"], "invalid int value: 'x'"),
    ],
)
def test_mistakes_are_refused(words, message, folder, capsys):
    assert main(["confirm", "outputs/here", *words]) == 2
    assert message in capsys.readouterr().err
    assert not folder.confirmation(1).path.exists()
