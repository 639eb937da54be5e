"""What a ``_target_`` may name. A stranger's configuration is only text until this says yes."""

from __future__ import annotations

import sys

import pytest
import torch

from cifar_lab import targets
from cifar_lab.own_code import OwnCode, beside

NOBODYS = OwnCode()

#: (group, target): whatever calls something else, writes or reads where it likes, or is no part.
HOSTILE = [
    ("augmentation", "os.system"),
    ("augmentation", "builtins.exec"),
    ("augmentation", "builtins.eval"),
    ("augmentation", "numpy.load"),
    ("augmentation", "joblib.load"),
    ("augmentation", "shutil.copy"),
    ("augmentation", "logging.FileHandler"),
    ("augmentation", "functools.partial"),
    ("augmentation", "hydra.utils.instantiate"),
    ("augmentation", "hydra.utils.call"),
    ("augmentation", "subprocess.run"),
    ("augmentation", "importlib.import_module"),
    ("augmentation", "albumentations.load"),
    ("augmentation", "albumentations.from_dict"),
    ("augmentation", "albumentations.core.serialization.load"),
    ("augmentation", "albumentations.core.os.system"),
    ("augmentation", "albumentations.core.serialization.json.load"),
    ("augmentation", "albumentations.augmentations.pixel.functional.cv2.imwrite"),
    ("augmentation", "albumentations.check_version.urllib.request.urlopen"),
    ("augmentation", "albumentations.BasicTransform.__subclasses__"),
    ("augmentation", "albumentations.Compose.__init__.__globals__"),
    ("augmentation", "torchvision.datasets.MNIST"),
    ("augmentation", "torchvision.io.write_file"),
    ("augmentation", "torchvision.transforms.v2.functional.to_image"),
    ("augmentation", "torch.nn.Linear"),
    ("augmentation", "cifar_lab.data.cache.cached"),
    ("augmentation", "cifar_lab.run.files.write_json"),
    ("model", "torch.load"),
    ("model", "torch.hub.load"),
    ("model", "torch.jit.load"),
    ("model", "torch.tensor"),
    ("model", "torch.nn.functional.relu"),
    ("model", "torch.nn.Module.load_state_dict"),
    ("model", "torch.nn.init.warnings.warn"),
    ("model", "torch.nn.modules.module.os.system"),
    ("model", "torch.optim.SGD"),
    ("model", "timm.create_model"),
    ("model", "timm.models.load_checkpoint"),
    ("model", "timm.models.resnet.resnet18"),
    ("model", "timm.models._helpers.load_checkpoint"),
    ("model", "timm.models.create_model"),
    ("model", "cifar_lab.models.from_timm.timm_model"),
    ("model", "cifar_lab.report.write_page"),
    ("model", "cifar_lab.cli.main.main"),
    ("model", "cifar_lab.models.__init__"),
    ("model", "cifar_lab.models.custom_resnet.torch.load"),
    ("optimizer", "torch.optim.lr_scheduler.StepLR"),
    ("optimizer", "torch.nn.Linear"),
    ("optimizer", "timm.optim.create_optimizer_v2"),
    ("scheduler", "torch.optim.SGD"),
    ("criterion", "torch.nn.functional.cross_entropy"),
    ("criterion", "timm.models.ResNet"),
    ("dataset", "torchvision.datasets.DatasetFolder"),
    ("dataset", "cifar_lab.models.CustomResNet"),
    ("trainer", "lightning.Trainer"),
    ("report", "cifar_lab.report.write_page"),
    ("report", "cifar_lab.report.render_html"),
    ("nothing", "cifar_lab.models.CustomResNet"),
    ("model", 3),
    ("model", None),
    ("model", ["torch.nn.Linear"]),
    ("model", ""),
    ("model", "."),
    ("model", "torch.nn."),
    ("model", "__main__.Net"),
]


@pytest.mark.parametrize(("group", "target"), HOSTILE, ids=str)
def test_a_hostile_target_is_refused_though_it_exists(group, target):
    config = {group: {"_target_": target}}
    if list(targets.problems(config, NOBODYS)):
        return  # by its name alone, and nothing was imported
    with pytest.raises((targets.NotAllowed, ImportError, AttributeError)):
        targets.located(target, group, NOBODYS)


def _only_of_another_group(target: object) -> bool:
    """Whether it may be named, though not there: the last door knows no groups."""
    named = ("torch.nn.Linear", "torch.optim.SGD", "timm.models.ResNet")
    return target in named or "lr_scheduler" in str(target) or str(target).endswith(".CustomResNet")


@pytest.mark.parametrize(
    "target", [target for _, target in HOSTILE if not _only_of_another_group(target)], ids=str
)
def test_it_is_refused_at_the_last_door_too(target):
    with pytest.raises(targets.NotAllowed, match="is not one that a configuration may name"):
        targets.guard({"_target_": target})


@pytest.mark.parametrize(
    ("group", "target"),
    [
        ("dataset", "cifar_lab.data.Digits"),
        ("model", "cifar_lab.models.CustomResNet"),
        ("model", "torch.nn.Sequential"),
        ("model", "torch.nn.modules.linear.Linear"),
        ("model", "timm.models.resnet.ResNet"),
        ("augmentation", "albumentations.Blur"),
        ("augmentation", "albumentations.OneOf"),
        ("augmentation", "albumentations.pytorch.ToTensorV2"),
        ("augmentation", "torchvision.transforms.v2.RandomCrop"),
        ("optimizer", "torch.optim.RMSprop"),
        ("optimizer", "timm.optim.Lamb"),
        ("scheduler", "torch.optim.lr_scheduler.ExponentialLR"),
        ("scheduler", "timm.scheduler.CosineLRScheduler"),
        ("criterion", "torch.nn.CrossEntropyLoss"),
        ("criterion", "timm.loss.LabelSmoothingCrossEntropy"),
    ],
)
def test_a_part_of_its_group_may_be_named(group, target):
    assert list(targets.problems({group: {"_target_": target}}, NOBODYS)) == []
    found = targets.located(target, group, NOBODYS)
    assert found.__name__ == target.rpartition(".")[2]
    targets.guard({"_target_": target})


EVIL = {"_target_": "os.system", "command": "true"}


@pytest.mark.parametrize(
    "step",
    [
        {"_target_": "albumentations.OneOf", "transforms": [EVIL]},
        {"_target_": "albumentations.OneOf", "_args_": [[EVIL]]},
        {"_target_": "albumentations.OneOf", "_recursive_": False, "transforms": [EVIL]},
        {"_target_": "albumentations.OneOf", "_partial_": True, "transforms": [{"deep": [[EVIL]]}]},
        {"no": {"node": EVIL}},
        {"_target_": "albumentations.OneOf", "_target": 1, "p": EVIL},
        [EVIL],
    ],
    ids=str,
)
def test_a_nested_target_is_found_at_any_depth(step):
    config = {"augmentation": {"train": {"x": step}}}
    ((path, text),) = targets.problems(config, NOBODYS)
    assert path.startswith("augmentation.train.x.")
    assert f"{path}._target_=os.system: must be a public name of cifar_lab.data" in text
    with pytest.raises(targets.NotAllowed):
        targets.guard(config)


def test_what_hydra_would_resolve_once_more_is_refused():
    hidden = "${oc.create:{_target_: os.system, command: 'true'}}"
    config = {"model": {"_target_": "torch.nn.Sequential", "_args_": [hidden]}}
    ((path, text),) = targets.problems(config, NOBODYS)
    assert (path, "may not contain '${'" in text) == ("model._args_.0", True)
    with pytest.raises(targets.NotAllowed):
        targets.guard(config["model"])


def test_a_tensor_of_plain_numbers_is_an_argument_and_nothing_else_is():
    def told(weight, **node):
        criterion = {"_target_": "torch.nn.CrossEntropyLoss", "weight": weight, **node}
        return [text for _, text in targets.problems({"criterion": criterion}, NOBODYS)]

    assert told({"_target_": "torch.tensor", "data": [1, 2.0, True]}) == []
    assert told({"_target_": "torch.tensor", "_args_": [[[1.0], [2]]]}) == []
    for more in ({"data": ["a"]}, {"data": {"a": 1}}, {"data": [1], "device": "meta"}):
        (problem,) = told({"_target_": "torch.tensor", **more})
        assert "may be given plain numbers only" in problem
    assert targets.located("torch.tensor", "criterion", NOBODYS) is torch.tensor


def test_nothing_is_imported_to_refuse_a_name(tmp_path, monkeypatch):
    (tmp_path / "stranger_1.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    for target in ("stranger_1.Net", "torch.nn.stranger_1", "xmlrpc.client.ServerProxy"):
        before = set(sys.modules)
        assert list(targets.problems({"model": {"_target_": target}}, NOBODYS)) or "nn" in target
        with pytest.raises((targets.NotAllowed, AttributeError)):
            targets.located(target, "model", NOBODYS)
        assert set(sys.modules) == before


OWN = "import os\nfrom os import system\nfrom torch import nn\nclass Net(nn.Linear):\n    pass\n"


def test_a_module_of_the_users_own_may_be_named_and_only_what_it_defines(tmp_path):
    (tmp_path / "own_net_1.py").write_text(OWN)
    (tmp_path / "conf").mkdir()
    own = beside(str(tmp_path / "conf"), None)
    assert targets.located("own_net_1.Net", "model", own).__base__ is torch.nn.Linear
    for name in ("system", "os", "nn"):
        with pytest.raises(targets.NotAllowed, match="must be a class or function that"):
            targets.located(f"own_net_1.{name}", "model", own)
    with pytest.raises(targets.NotAllowed):
        targets.located("own_net_1.os.system", "model", own)
    targets.guard({"_target_": "own_net_1.Net"})
    with pytest.raises(targets.NotAllowed):
        targets.guard({"_target_": "own_net_1.system"})


def test_a_library_is_not_replaced_by_a_file_of_its_name(tmp_path):
    for name in ("yaml", "torch", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('it ran')")
    own = beside(None, tmp_path)
    with pytest.raises(targets.NotAllowed, match=r"'yaml' is already .*; rename yaml\.py"):
        targets.located("yaml.Net", "model", own)
    for target in ("torch.Net", "json.Net"):
        with pytest.raises(targets.NotAllowed):
            targets.located(target, "model", own)
