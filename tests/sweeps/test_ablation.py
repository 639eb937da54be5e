"""An ablation has a baseline with more seeds, and a variant for each piece."""

from __future__ import annotations

import pytest

from cifar_lab.cli.main import main
from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight
from cifar_lab.refusal import Refusal
from cifar_lab.sweeps.ablation import Ablation, ablated
from tests.sweeps.sweeps import TINY

COMPOSER = Composer()
SHARED = ("dataset=digits", "augmentation=crop_flip_cutout8")


def test_each_step_is_left_out_and_the_baseline_has_root_k_times_as_many_seeds():
    drafts = ablated(COMPOSER, Ablation((*SHARED, "seed=range(3)"), "augmentation"))
    seeds = {}
    for draft in drafts:
        seeds.setdefault(draft.values["without"], []).append(int(draft.values["seed"]))
    assert seeds == {  # ⌈√3⌉ · 3 = 6, going on from the largest seed
        "nothing": [0, 1, 2, 3, 4, 5], "crop": [0, 1, 2], "flip": [0, 1, 2], "cutout": [0, 1, 2],
    }  # fmt: skip
    # The first seed of all comes before the second of any.
    assert [draft.values["without"] for draft in drafts[:4]] == [
        "nothing", "crop", "flip", "cutout"
    ]  # fmt: skip


@pytest.mark.parametrize("add_one_in", [False, True])
def test_the_configurations_have_the_steps_that_they_say(add_one_in):
    every = {"crop", "flip", "cutout"}
    asked = Ablation(SHARED, "augmentation", (), add_one_in)
    for draft in ablated(COMPOSER, asked):
        found = preflight(COMPOSER, draft.overrides)
        assert found.problems == []
        steps = set(found.job()["augmentation"]["train"])
        name = next(iter(draft.values.values()))
        if name == "nothing":
            assert steps == (set() if add_one_in else every)
        else:
            assert steps == ({name} if add_one_in else every - {name})


def test_pieces_are_taken_away_by_any_override_jointly_with_a_groups_steps():
    asked = Ablation(
        (*SHARED, "criterion.label_smoothing=0.1", "seed=4"),
        "augmentation",
        ("criterion.label_smoothing=0", "trainer.ema_decay=null optimizer.momentum=0"),
    )
    found = {draft.values["without"]: draft.overrides for draft in ablated(COMPOSER, asked)}
    assert set(found) == {
        "nothing", "crop", "flip", "cutout", "criterion.label_smoothing=0",
        "trainer.ema_decay=null optimizer.momentum=0",
    }  # fmt: skip
    assert found["trainer.ema_decay=null optimizer.momentum=0"][-2:] == (
        "trainer.ema_decay=null",
        "optimizer.momentum=0",
    )
    variant = preflight(COMPOSER, found["criterion.label_smoothing=0"])
    assert variant.job()["criterion"]["label_smoothing"] == 0
    assert variant.problems == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Ablation(SHARED, "augmentatio"), "did you mean 'augmentation'"),
        (Ablation(SHARED, "optimizer"), "has no named steps to leave out"),
        (Ablation(SHARED, None), "there is nothing to take away"),
        (Ablation((*SHARED, "optimizer=sgd,adam"), "augmentation"), "varies the seed only"),
        (Ablation(SHARED, None, ("optimizer==x",)), "cannot be read"),
        (Ablation(SHARED, None, ("seed=1",), True), "--add-one-in needs a group"),
    ],
)
def test_what_cannot_be_ablated_is_refused(asked, message):
    with pytest.raises(Refusal, match=message):
        ablated(COMPOSER, asked)


def test_an_ablation_without_validation_images_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["ablate", "augmentation", *TINY, "augmentation=crop_flip"]
    assert main([*words, "dataset.validation_fraction=0", "--no-timing"]) == 2
    assert "dataset.validation_fraction=0.1" in capsys.readouterr().err
    assert main([*words, "--dry-run", "--no-timing"]) == 0
    assert "ablation: 4 jobs, 3 configurations with 2 seeds" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
