"""A packaged option, copied to be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cifar_lab.config.compose import config_folder
from cifar_lab.config.copied import copied
from cifar_lab.config.own_folder import composer_for
from cifar_lab.refusal import Refusal


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("option", "target", "path", "override"),
    [
        ("model/resnet18", "conf/", "conf/model/resnet18.yaml", "model=resnet18"),
        ("model=resnet18", "conf", "conf/model/resnet18.yaml", "model=resnet18"),
        ("model/resnet18.yaml", "conf/model/my.yaml", "conf/model/my.yaml", "model=my"),
        ("hydra/sweeper/search", "c", "c/hydra/sweeper/search.yaml", "hydra/sweeper=search"),
        ("experiments/digits", "conf/", "conf/experiments/digits.yaml", "experiments=digits"),
    ],
)
def test_the_copy_is_the_same_file(option, target, path, override, here):
    assert copied(option, target) == (Path(path), override)
    group, name = option.removesuffix(".yaml").replace("=", "/").rsplit("/", 1)
    original = config_folder() / group / f"{name}.yaml"
    assert (here / path).read_text() == original.read_text()


def test_a_changed_copy_is_found_by_its_own_name(here):
    path, override = copied("optimizer/sgd", "conf/optimizer/mine.yaml")
    path.write_text(path.read_text().replace("lr: 0.02", "lr: 0.5"))
    assert composer_for(None).compose([override]).optimizer.lr == 0.5


@pytest.mark.parametrize(
    ("option", "target", "told"),
    [
        ("model/resnet", "conf/", "model has no option 'resnet'; did you mean 'resnet18'?"),
        ("resnet18", "conf/", "there is no such option; did you mean 'model/resnet18'?"),
        ("../config", "conf/", "there is no such option"),
        ("hydra/launcher/basic", "conf/", "is an option of Hydra's own"),
        ("model/resnet18", "conf/x.yaml", "in a folder model; use conf/model/x.yaml"),
        ("model/resnet18", "conf/optimizer/x.yml", "use conf/model/x.yaml"),
    ],
)
def test_what_cannot_be_copied_is_refused(option, target, told, here):
    with pytest.raises(Refusal) as refusal:
        copied(option, target)
    assert told in str(refusal.value)
    assert list(here.iterdir()) == []


def test_nothing_is_overwritten(here):
    path, _ = copied("model/resnet18", "conf/")
    path.write_text("changed")
    with pytest.raises(Refusal, match=r"exists already; name a new file, e\.g\. conf/model/my_res"):
        copied("model/resnet18", "conf/")
    assert path.read_text() == "changed"
