"""An experiment's parts are built once, and are those of an experiment built without a check."""

from __future__ import annotations

import shutil

import pytest
import torch

from cifar_lab import assembly
from cifar_lab.cli.main import main
from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight
from cifar_lab.engine.seeding import random_states, same_random_states
from tests.assembly.drawing import MADE
from tests.conftest import BESIDE, write_image_folder

HERE = "tests.assembly.drawing"
DRAWN = [
    f"model._target_={HERE}.Net", "~model.width", f"criterion._target_={HERE}.ScaledCrossEntropy",
    "~criterion.label_smoothing", "trainer.batch_size=4", "device=cpu", "trainer.workers=0",
]  # fmt: skip
SIZED = [f"model._target_={HERE}.SizedNet", "~model.width", "trainer.batch_size=4", "device=cpu"]


@pytest.fixture(autouse=True)
def _nothing_made():
    MADE.clear()


@pytest.fixture
def folder(tmp_path) -> list[str]:
    """Overrides for a folder of images that nobody has decoded: 3 classes, 18 to train on."""
    root = write_image_folder(tmp_path / "images", ("ant", "bee", "cow"), side=8, train=7)
    return [
        "dataset=image_folder", f"dataset.root={root}", f"dataset.cache_dir={tmp_path / 'cache'}",
    ]  # fmt: skip


@pytest.mark.parametrize("augmentation", ["crop_flip_cutout8", "none", "randaugment"])
@pytest.mark.parametrize("words", [[], ["dataset.resize=16"], ["dataset.skip_unreadable=true"]])
def test_an_experiment_of_a_folder_is_checked_and_built_with_each_part_once(
    folder, words, augmentation
):
    words = [*folder, *DRAWN, *words, f"augmentation={augmentation}", "seed=3"]
    built, states = checked_and_built(words)
    assert MADE == ["model", "criterion"]
    alone = assembly.experiment(job(words))
    assert_alike(built, alone)
    assert same_random_states(states, random_states())


def test_once_its_images_are_decoded_nothing_is_built_twice_either(folder):
    checked_and_built([*folder, *DRAWN])
    MADE.clear()
    built, states = checked_and_built([*folder, *DRAWN])
    assert MADE == ["model", "criterion"]
    assert_alike(built, assembly.experiment(job([*folder, *DRAWN])))
    assert same_random_states(states, random_states())


def test_a_model_for_one_size_is_built_once_where_the_size_is_known(folder):
    built, _ = checked_and_built([*folder, *SIZED, "dataset.resize=16"])
    assert MADE == ["model"]
    assert built.learner.model[1].in_features == 3 * 16 * 16


def test_and_again_where_the_images_turn_out_to_be_of_another(folder):
    built, _ = checked_and_built([*folder, *SIZED])
    assert MADE == ["model", "model"]
    assert built.learner.model[1].in_features == 3 * 8 * 8
    (group,) = built.optimizer.param_groups
    assert list(map(id, group["params"])) == list(map(id, built.learner.model.parameters()))


def test_the_schedule_is_that_of_the_images_which_could_be_read(folder, tmp_path):
    for number in range(2):
        (tmp_path / "images" / "train" / "ant" / f"{number}.txt").write_text("no image")
    words = [*folder, *DRAWN, "dataset.skip_unreadable=true", "dataset.validation_fraction=0"]
    built, _ = checked_and_built([*words, "trainer.batch_size=1"])
    assert len(built.dataset.train_indices) == built.schedule.steps_per_epoch == 21


def test_cutout_is_filled_with_the_mean_of_the_images(folder):
    built, _ = checked_and_built([*folder, *DRAWN, "augmentation=crop_flip_cutout8"])
    expected = [round(255 * value) for value in built.dataset.mean.tolist()]
    assert expected != [128, 128, 128]
    stack, painted = built.loaders.train.stack, set()
    black = torch.zeros(1, 8, 8, 3, dtype=torch.uint8)
    for epoch in range(8):
        zero = torch.zeros(1, dtype=torch.int64)
        pixels = stack.batches(black.clone(), zero, epoch, zero).reshape(-1, 3)
        painted |= {tuple(pixel) for pixel in pixels.tolist()}
    assert painted == {(0, 0, 0), tuple(expected)}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trainer.batch_size=19"], "trainer.batch_size=19 is larger than the 18 training images"),
        (["dataset.limit_train_images=9", "trainer.batch_size=10"], "larger than the 9 training"),
        (["scheduler.warmup_epochs=99"], "scheduler.warmup_epochs"),
    ],
)
def test_what_a_folder_is_too_small_for_is_refused_before_it_is_decoded(
    folder, tmp_path, words, message
):
    scheduler = ["scheduler=cosine"] if "scheduler" in words[0] else []
    found = preflight(Composer(), [*folder, *DRAWN, *scheduler, *words])
    told = [*found.problems, *assembly.problems(found.job(), found.groups)]
    assert len(told) == 1
    assert message in told[0]
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("at_hand", [True, False])
def test_a_closed_test_set_needs_validation_images_before_anything_is_decoded(folder, at_hand):
    closed = [*folder, *DRAWN, "evaluate_test=false", "dataset.validation_fraction=0"]
    if at_hand:
        assembly.experiment(job([*folder, *DRAWN]))
    refused = assembly.problems(job(closed))
    assert [problem.partition(" needs validation images")[0] for problem in refused] == [
        "evaluate_test=false"
    ]
    assert assembly.problems(job([*folder, *DRAWN, "evaluate_test=false"])) == []
    assert assembly.problems(job(closed[:-2] + closed[-1:])) == []


def test_the_folders_own_validation_images_are_enough(folder, tmp_path):
    shutil.copytree(tmp_path / "images" / "test", tmp_path / "images" / "val")
    words = [*folder, *DRAWN, "evaluate_test=false", "dataset.validation_fraction=0"]
    assert assembly.problems(job(words)) == []
    built = assembly.experiment(job(words))
    assert built.loaders.test is None
    assert len(built.loaders.val._rows) == 6


def test_how_many_can_be_read_is_not_guessed(folder):
    words = [*folder, *DRAWN, "dataset.skip_unreadable=true", "trainer.batch_size=19"]
    assert assembly.problems(job(words)) == []
    with pytest.raises(ValueError, match="larger than the 18 training images"):
        assembly.experiment(job(words))


def test_several_configurations_try_each_choice_once():
    digits = ["dataset=digits", *DRAWN]
    tried = assembly.Tried()
    for words in ([], ["optimizer.lr=0.3"], ["trainer.epochs=9"], ["augmentation=none"]):
        assert assembly.problems(job([*digits, *words]), tried=tried) == []
    assert MADE == ["model", "criterion"]
    broken = [f"model._target_={HERE}.Broken"]
    for words in (broken, [*broken, "trainer.epochs=9"]):
        told = assembly.problems(job([*digits, *words]), tried=tried)
        assert told == ["model: not with 10 classes"]
    assert MADE.count("model") == 2


SHORT = [
    "trainer.epochs=1", "trainer.limit_batches=1", "trainer.precision=float32",
    "report.enabled=false",
]  # fmt: skip


def test_a_run_builds_its_model_once_however_its_images_come(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in ("decoded", "found decoded"):
        MADE.clear()
        assert main(["train", *folder, *DRAWN, *SHORT, *BESIDE]) == 0
        assert MADE == ["model", "criterion"]


def test_a_sweep_over_seeds_builds_its_model_once_to_try_it_and_to_time_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "dataset=digits", *DRAWN, *SHORT, *BESIDE, "-m", "seed=0,1,2", "--dry-run"]
    assert main(words) == 0
    assert MADE.count("model") == 1


@pytest.mark.parametrize("words", [["~seed"], ["seed=null"], ["seed=many"]])
def test_a_wrong_seed_is_one_mistake(words):
    found = preflight(Composer(), ["dataset=digits", *DRAWN, *words])
    assert len(found.problems) == 1
    assert assembly.problems(found.job(), found.groups) == []


def job(words):
    found = preflight(Composer(), words)
    assert found.problems == []
    return found.job()


def checked_and_built(words):
    """The experiment, and the random states that it was left with."""
    tried, config = assembly.Tried(), job(words)
    assert assembly.problems(config, tried=tried) == []
    return assembly.experiment(config, tried), random_states()


def assert_alike(one, other):
    weights = [experiment.learner.model.state_dict() for experiment in (one, other)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    assert torch.equal(one.learner.criterion.scale, other.learner.criterion.scale)
    assert one.schedule == other.schedule
    assert one.fast_path() == other.fast_path()
    batches = [next(iter(e.loaders.train.batches(1, 0, 1))) for e in (one, other)]
    assert all(map(torch.equal, *batches))
