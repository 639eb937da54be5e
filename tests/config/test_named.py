"""Groups of named nodes: what is refused, and that what is told to type works."""

from __future__ import annotations

import re

import pytest

from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight

COMPOSER = Composer()
NORM = {"_target_": "cifar_lab.hooks.GradientNorm", "images": 512}


@pytest.mark.parametrize(
    ("overrides", "hooks"),
    [
        ([], {}),
        (["hooks=gradient_norm"], {"gradient_norm": NORM}),
        (
            ["hooks=[gradient_norm,confusions_by_epoch]", "hooks.gradient_norm.images=7"],
            {
                "gradient_norm": NORM | {"images": 7},
                "confusions_by_epoch": {"_target_": "cifar_lab.hooks.ConfusionsByEpoch"},
            },
        ),
        (["hooks=gradient_norm", "~hooks.gradient_norm"], {}),
        (["~hooks"], {}),
        (
            ["hooks=gradient_norm", f"+hooks.second={NORM}".replace("'", "")],
            {"gradient_norm": NORM, "second": NORM},
        ),
    ],
)
def test_hooks_are_chosen_changed_added_and_removed(overrides, hooks):
    found = preflight(COMPOSER, overrides)
    assert found.problems == []
    assert found.job()["hooks"] == hooks


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["hooks=nothing"], "no option 'nothing'; the options are: confusions_by_epoch, gradient_"),
        (["hooks=null"], "leave it out, or write ~hooks, to choose none"),
        (["+hooks.a=3"], r"^hooks.a must be a hook with _target_, got 3; ~hooks.a removes it$"),
        (["+hooks.a={b: 3}"], r"^hooks.a must be a hook with _target_, got {\"b\": 3}; "),
        (["+hooks.a={_target_: os.system}"], "must be a public name of cifar_lab.hooks, a public "),
        (
            ["+hooks.a={_target_: cifar_lab.models.CustomResNet}"],
            "must be a public name of cifar_l",
        ),
        (["+hooks.a={_target_: cifar_lab.hooks.Nothing}"], "its public names are: ConfusionsByE"),
        (["hooks=gradient_norm", "hooks.gradient_norm.images=0"], "must be greater than 0"),
        (["hooks=gradient_norm", "+hooks.gradient_norm.b=0"], "has no argument 'b'; its argument"),
        (["hooks=gradient_norm", "~hooks.gradient_norm.images"], "GradientNorm needs it"),
        (["hooks.gradient_norm.images=2"], "choose the hook as well, e.g. hooks=gradient_norm$"),
        (
            ["+hooks._target_=cifar_lab.hooks.Hook"],
            "must be a dictionary of named hooks.*give each",
        ),
        (
            ["hooks=gradient_norm,confusions_by_epoch"],
            r"write several options of one run as 'hooks=\[gradient_norm,confusions_by_epoch\]'$",
        ),
        (["hooks=[gradient_norm,gradient_norm]"], "each of these options names a hook gradient_n"),
        (["+hooks._a={_target_: cifar_lab.hooks.ConfusionsByEpoch}"], "must begin with a letter"),
    ],
)
def test_a_mistake_is_told_in_one_line(overrides, message):
    (problem,) = preflight(COMPOSER, overrides).problems
    assert re.search(message, problem), problem


def test_two_options_may_not_name_the_same_hook(tmp_path):
    (tmp_path / "hooks").mkdir()
    (tmp_path / "experiments").mkdir()
    (tmp_path / "hooks" / "mine.yaml").write_text(
        "gradient_norm:\n  _target_: cifar_lab.hooks.ConfusionsByEpoch\n"
    )
    (tmp_path / "experiments" / "both.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /hooks: [gradient_norm, mine]\nname: both\n"
    )
    for words in (["hooks=[gradient_norm,mine]"], ["experiments=both"]):
        problems = preflight(Composer(str(tmp_path)), words).problems
        assert problems[0].startswith(
            "hooks=[gradient_norm,mine]: each of these options names a hook gradient_norm; choose"
        )


def test_an_experiment_chooses_hooks_and_changes_their_values(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "watched.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /hooks: gradient_norm\nname: watched\n"
        "hooks:\n  gradient_norm:\n    images: 9\n"
    )
    found = preflight(Composer(str(tmp_path)), ["experiments=watched"])
    assert found.problems == []
    assert found.job()["hooks"] == {"gradient_norm": NORM | {"images": 9}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("augmentation.train=3", "augmentation must contain a dictionary 'train' of steps"),
        (
            "augmentation.train.flip=3",
            "augmentation.train.flip must be a step with _target_, got 3",
        ),
    ],
)
def test_steps_of_the_augmentation_are_checked_likewise(override, message):
    (problem,) = preflight(COMPOSER, [override]).problems
    assert problem.startswith(message)
