from __future__ import annotations

import bz2
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_lab import assembly
from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import OUTPUTS
from tests.conftest import write_image_folder

COMPOSER = Composer()
OPTIONS = [
    (group, option)
    for group in COMPOSER.groups()
    for option in COMPOSER.options(group)
    if group != "experiments"
]
#: What an option asks for besides being chosen.
ASKED = {"timm": "model.name=mobilenetv3_small_050", "torchvision": "model.name=mnasnet0_5"}


def _arrays(folder: Path) -> list[str]:
    images = np.tile(np.uint8([[0, 255], [255, 0]]), (100, 14, 14))
    labels = np.arange(100) % 10
    file = folder / "arrays.npz"
    np.savez(file, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return [f"dataset.file={file}"]


def _usps(folder: Path) -> list[str]:
    """Its files hold a line an image: the class from 1, then the pixels from -1 to 1."""
    pixels = " ".join(f"{number}:{number % 2}" for number in range(1, 257))
    text = "".join(f"{1 + number % 10} {pixels}\n" for number in range(100)).encode()
    for name in ("usps.bz2", "usps.t.bz2"):
        (folder / name).write_bytes(bz2.compress(text))
    return ["dataset.name=USPS", f"dataset.root={folder}", f"dataset.cache_dir={folder}"]


def _parquet(folder: Path) -> list[str]:
    import datasets

    images = [Image.radial_gradient("L").resize((32, 32))] * 100
    rows = {"image": images, "label": [number % 10 for number in range(100)]}
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(num_classes=10)}
    made = datasets.Dataset.from_dict(rows, features=datasets.Features(kinds))
    for split in ("train", "test"):
        made.to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    return [f"dataset.root={folder}", f"dataset.cache_dir={folder}"]


#: What data sets are asked for that have no sensible default.
GIVEN: dict[str, Callable[[Path], list[str]]] = {
    "arrays": _arrays,
    "torchvision": _usps,
    "parquet": _parquet,
    "own": lambda folder: ["dataset._target_=tests.config.own_images.Halves"],
}


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=lambda value: str(value))
def test_every_option_of_every_group_composes_and_builds(group, option, tmp_path):
    ten_classes = tuple(f"class{number}" for number in range(10))
    write_image_folder(tmp_path / "images", ten_classes, side=32, train=10)
    overrides = [f"{group}={option}", "trainer.batch_size=8"]
    if group != "dataset":
        overrides.append("dataset=digits")
        overrides += [ASKED[option]] if group == "model" and option in ASKED else []
    elif option in GIVEN:
        overrides += GIVEN[option](tmp_path)
    elif option != "digits":
        overrides += [f"dataset.root={tmp_path / 'images'}", f"dataset.cache_dir={tmp_path}"]
    if option == "cifar100":
        write_image_folder(tmp_path / "hundred", tuple(f"c{n:02d}" for n in range(100)), train=10)
        overrides.append(f"dataset.root={tmp_path / 'hundred'}")
    composer = Composer()
    found = preflight(composer, overrides)
    assert found.problems == []
    experiment = assembly.experiment(found.job())
    assert len(experiment.loaders.train) > 0


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=lambda value: str(value))
def test_every_option_opens_with_what_it_is_for(group, option):
    from cifar_lab.config.compose import config_folder

    lines = (config_folder() / group / f"{option}.yaml").read_text().splitlines()
    opening = [line for line in lines[:2] if not line.startswith("# @package")]
    assert opening[0].startswith("# ")
    assert len(opening[0]) > 15


def test_a_users_own_experiment_is_found_in_their_folder(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /dataset: digits\nname: mine\nseed: 7\n"
    )
    found = preflight(Composer(str(tmp_path)), ["experiments=mine"])
    assert found.problems == []
    assert (found.job()["name"], found.job()["seed"]) == ("mine", 7)


def test_a_users_own_option_wins_over_the_packaged_one_of_its_name(tmp_path):
    (tmp_path / "scheduler").mkdir()
    for name in ("constant", "mine"):  # of the packaged ones, only the first exists
        text = "_target_: cifar_lab.optim.Constant\nmax_lr: 0.0625\n"
        (tmp_path / "scheduler" / f"{name}.yaml").write_text(text)
    composer = Composer(str(tmp_path))
    for name, replaced in (("constant", ["scheduler/constant.yaml"]), ("mine", [])):
        config = composer.compose([f"scheduler={name}"])
        assert config.scheduler.max_lr == 0.0625
        assert composer.replaced(config) == replaced


def test_a_config_dir_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Refusal, match="is not a directory; choose one that exists"):
        Composer(str(tmp_path / "nowhere"))


def test_an_experiment_wins_over_the_main_file_and_the_command_line_over_both():
    plain = COMPOSER.compose([])
    digits = COMPOSER.compose(["experiments=digits"])
    overridden = COMPOSER.compose(["experiments=digits", "trainer.epochs=2"])
    assert plain.trainer.epochs == 24
    assert digits.trainer.epochs != 24
    assert digits.name == "digits"
    assert overridden.trainer.epochs == 2


def test_a_named_step_is_taken_away_and_changed_from_the_command_line():
    steps = COMPOSER.compose([]).augmentation.train
    assert list(steps) == ["crop", "flip", "cutout"]
    without = COMPOSER.compose(["~augmentation.train.cutout"]).augmentation.train
    assert list(without) == ["crop", "flip"]
    always = COMPOSER.compose(["augmentation.train.cutout.p=1"]).augmentation.train
    assert always.cutout.p == 1


def test_runs_lie_below_the_folder_that_they_are_searched_in():
    """The path of a run is set in conf/config.yaml, the searched folder in run/folder.py."""
    path = Path(str(Composer().compose(["name=mine"]).hydra.run.dir))
    assert path.parts[:2] == (str(OUTPUTS), "mine")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d-\d{6}", "/".join(path.parts[2:]))
