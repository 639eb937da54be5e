"""Parts of a user's own: written as files that compose, import and do what they say."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from cifar_lab.config.new_part import GROUPS, write_new, written
from cifar_lab.config.own_folder import composer_for
from cifar_lab.hooks import Hook
from cifar_lab.refusal import Refusal


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def module(here: Path, kind: str) -> ModuleType:
    """The Python file of a new part, imported on its own."""
    written(kind, f"my_{kind}", here)
    spec = importlib.util.spec_from_file_location("part", here / f"my_{kind}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize("kind", GROUPS)
def test_a_new_part_is_an_option_whose_target_is_in_the_file_beside(kind, here):
    paths, overrides = written(kind, "my_part", here)
    group = GROUPS[kind]
    assert overrides[-1] == f"{group}=my_part"
    assert paths[0] == here / "conf" / group / "my_part.yaml"
    assert sorted(path for path in here.rglob("*.*")) == sorted(paths)
    text = paths[0].read_text()
    assert "$" not in text.replace("${optimizer.lr}", "")
    if kind == "experiment":
        return
    name = "my_part" if kind == "scheduler" else "MyPart"
    assert f"_target_: my_part.{name}\n" in text
    assert paths[1:] == [here / "my_part.py"]
    assert name in paths[1].read_text()


@pytest.mark.parametrize("kind", GROUPS)
def test_it_composes(kind, here):
    _, overrides = written(kind, "my_part", here)
    config = composer_for(None).compose(overrides)
    if kind == "experiment":
        assert config.name == "my_part"
        assert config.hydra.runtime.choices["optimizer"] == "adamw"
    elif kind == "hook":
        assert config.hooks.my_part == {"_target_": "my_part.MyPart", "column": "my_part_norm"}
    elif kind == "augmentation":
        assert list(config.augmentation.train) == ["crop", "flip", "my_part"]
    else:
        assert config[kind]._target_.startswith("my_part.")
    assert kind != "scheduler" or config.scheduler.max_lr == config.optimizer.lr


def test_the_model_maps_images_to_logits(here):
    model = module(here, "model").MyModel(num_classes=7, width=4)
    assert model(torch.zeros(2, 3, 32, 24)).shape == (2, 7)
    assert model.features(torch.zeros(2, 3, 32, 24)).shape[2:] == (8, 6)


def test_the_data_set_gives_images_whose_brighter_half_is_their_class(here):
    from cifar_lab.data import OwnSource

    made = module(here, "dataset").MyDataset(count=20)
    settings = dict.fromkeys(("resize", "mean", "std", "limit_train_images"))
    own = OwnSource(
        made=made, arguments={}, validation_fraction=0.0, split_seed=0, cache_dir="x", **settings
    )
    images = own.load().source.test
    halves = images.images.astype(float).reshape(20, 32, 2, 16, 3).mean((1, 3, 4))
    assert halves.argmax(1).tolist() == images.labels.tolist()
    assert images.class_names == ("left", "right")


def test_the_criterion_without_its_factor_is_cross_entropy(here):
    part, logits, labels = (
        module(here, "criterion"),
        torch.randn(5, 3),
        torch.tensor([0, 1, 2, 1, 0]),
    )
    expected = nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(part.MyCriterion(gamma=0.0)(logits, labels), expected)
    sure = torch.tensor([[math.log(3), 0.0]])  # 3/4, so that (1/4)² weights ln(4/3)
    loss = part.MyCriterion(gamma=2.0)(sure, torch.tensor([0]))
    assert loss.item() == pytest.approx(math.log(4 / 3) / 16, rel=1e-6)


def test_the_augmentation_step_moves_towards_the_mean_of_the_colours(here):
    step = module(here, "augmentation").MyAugmentation(strength=0.5, p=1.0)
    image = np.array([[[0, 100, 200]]], dtype=np.uint8)
    found = step(image=image)["image"]
    assert found.dtype == np.uint8
    assert found.tolist() == [[[50, 100, 150]]]


def test_the_optimizer_steps_by_the_sign_of_the_averaged_gradient(here):
    weights = nn.Parameter(torch.tensor([1.0, 1.0]))
    optimizer = module(here, "optimizer").MyOptimizer([weights], lr=0.5, momentum=0.9)
    for gradient in ([8.0, -1.0], [-1.0, -1.0]):  # the average of the first stays positive
        weights.grad = torch.tensor(gradient)
        optimizer.step()
    assert weights.tolist() == [0.0, 2.0]


def test_the_schedule_falls_along_half_a_cosine(here):
    rate = module(here, "scheduler").my_scheduler
    assert [rate(step, 100, max_lr=0.5) for step in (0, 50)] == pytest.approx([0.5, 0.25])
    assert rate(99, 100, max_lr=0.5) < 0.001


def test_the_hook_is_one(here):
    assert issubclass(module(here, "hook").MyHook, Hook)


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("model", "my-net", "must consist of letters, digits and '_'"),
        ("model", "net/../x", "must consist of letters"),
        ("model", "x" * 51, "at most 50 characters"),
        ("model", "class", "is a word of Python or YAML"),
        ("experiment", "Null", "is a word of Python or YAML"),
        ("model", "json", "is the name of a module of Python or of the lab"),
        ("hook", "torch", "is the name of a module of Python or of the lab"),
        ("model", "yaml", "'yaml' is already "),
        ("model", "resnet18", "is a packaged option of model; choose another name, e.g. my_resn"),
        ("hooks", "x", "there is no kind 'hooks'; did you mean 'hook"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_before_anything_is_written(kind, name, told, here):
    with pytest.raises(Refusal) as refusal:
        written(kind, name, here)
    assert told in str(refusal.value)
    assert list(here.iterdir()) == []


def test_an_experiment_may_have_a_modules_name(here):
    written("experiment", "json", here)


def test_nothing_is_overwritten_and_all_that_exists_is_told(here):
    written("model", "mine", here)
    (here / "mine.py").write_text("changed")
    with pytest.raises(Refusal) as refusal:
        written("model", "mine", here)
    assert refusal.value.problems == [
        "conf/model/mine.yaml exists already; choose another name",
        "mine.py exists already; choose another name",
    ]
    assert (here / "mine.py").read_text() == "changed"
    with pytest.raises(Refusal, match=r"mine\.py exists already"):
        written("criterion", "mine", here)
    assert not (here / "conf" / "criterion").exists()


def test_nothing_is_written_inside_a_run(here):
    (here / "status.json").write_text("{}")
    with pytest.raises(Refusal, match="not imported from inside a run folder"):
        written("model", "mine", here)


def test_of_two_files_none_is_left_if_one_cannot_be_written(here):
    (here / "file").write_text("")
    with pytest.raises(FileExistsError):
        write_new({here / "first": "1", here / "file": "2"})
    assert [path.name for path in here.iterdir()] == ["file"]
    assert (here / "file").read_text() == ""
