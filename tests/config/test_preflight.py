from __future__ import annotations

import re

import pytest

from cifar_lab import assembly
from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight

COMPOSER = Composer()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("modle=resnet18", "there is no key 'modle'; did you mean 'model'"),
        (
            "model=resnet81",
            r"no option 'resnet81'; did you mean 'resnet18'\?; the options are: ",
        ),
        ("trainer.epoch=3", "there is no key 'trainer.epoch'; did you mean 'trainer.epochs'"),
        ("epochs=3", "there is no key 'epochs'; did you mean 'trainer.epochs'"),
        ("trainer.epochs=abc", "trainer.epochs=abc: must be a valid integer"),
        ("trainer.epochs=2.5", "trainer.epochs=2.5: must be a valid integer"),
        ("trainer.epochs=0", "trainer.epochs=0: must be greater than 0"),
        ("trainer.epochs=-1", "trainer.epochs=-1: must be greater than 0"),
        ("trainer.epochs=1000001", "epochs=1000001: must be less than or equal to 1000000"),
        ("trainer.batch_size=0", "trainer.batch_size=0: must be greater than 0"),
        ("optimizer.lr=0", "optimizer.lr=0: must be greater than 0"),
        ("optimizer.lr=-0.1", "optimizer.lr=-0.1: must be greater than 0"),
        ("optimizer.nesterov=3", "optimizer.nesterov=3: must be a valid boolean"),
        ("scheduler.max_lr=high", "scheduler.max_lr=high: must be a valid number"),
        ("trainer.precision=fp16", "must be 'auto', 'float32' or 'bfloat16'"),
        ("dataset.validation_fraction=1", "validation_fraction=1: must be less than 1"),
        ("dataset.mean=[0.5,0.5]", "dataset.mean=.*must be three numbers from 0 to 1"),
        ("criterion.label_smoothing=1", "label_smoothing=1: must be less than 1"),
        ("seed=-1", "seed=-1: must be greater than or equal to 0"),
        ("+typo=3", "typo: this key is not used"),
        ("+trainer.momentun=3", "Trainer has no argument 'momentun'"),
        (
            "+optimizer.weight_decai=3",
            "sgd has no argument 'weight_decai'; did you mean 'weight_decay'",
        ),
        ("+augmentation.train.cutout.max_holes=3", "CoarseDropout has no argument 'max_holes'"),
        ("+augmentation.test=3", "augmentation.test: this key is not used"),
        ("augmentation.train.cutout=null", "must be a step with _target_"),
        ("~augmentation.train.cutuot", "no key 'augmentation.train.cutuot'; did you mean"),
        (
            "model._target_=torch.nn.Nothing",
            "model._target_=torch.nn.Nothing could not be imported",
        ),
        ("~trainer.epochs", "trainer.epochs is missing; Trainer needs it"),
        ("~seed", "seed is missing; a run needs it"),
        ("name=a/b", "name=a/b: must be a folder name"),
        ("name=latest", "must not be one of best, find-lr, latest, show"),
        ("trainer=null", r"a run needs a trainer; the options are: lightning, native"),
        ("~model", "a run needs a model; the options are: custom_resnet"),
        ("experiments=nothing", "experiments has no option 'nothing'; the options are: "),
        ("trainer.epochs='${nope}'", "there is no key 'nope' to take the value from"),
        ("model._target_=builtins.int", "must be a public name of cifar_lab.models, an nn.Module"),
        ("model._target_=torch.nn.functional", "must be an nn.Module of torch or timm"),
        ("+trainer.epochs=3", r"\+trainer.epochs=3: .*already"),
        ("optimizer.lr=inf", "optimizer.lr=inf: must be less than inf|Infinity"),
        ("scheduler.div_factor=0.5", "must be greater than or equal to 1"),
        ("seed=1,2", "a list of values needs -m"),
        ("model.width=[1", "write overrides as key=value"),
        (
            "mixing=mix",
            r"mixing has no option 'mix'; did you mean 'mixup'\?; the options are: cutmix, ",
        ),
        ("mixing=null", "a run needs a mixing; the options are: cutmix, mixup, none"),
        ("+mixing.alpha=1", "no_mixing has no argument 'alpha'; its arguments are: none"),
    ],
)
def test_a_mistake_is_told_in_one_line(override, message):
    found = preflight(COMPOSER, [override])
    assert len(found.problems) == 1, found.problems
    assert re.search(message, found.problems[0])


def test_three_mistakes_give_three_lines():
    found = preflight(COMPOSER, ["model=resnet81", "trainer.epochs=0", "optimizer.rl=1"])
    assert len(found.problems) == 3
    assert found.groups == {"model", "trainer", "optimizer"}


def test_a_mistake_that_hydra_finds_hides_no_other():
    overrides = ["+trainer.epochs=3", "optimizer.lr=-1", "~seed=5", "criterion.label_smoothing=5"]
    assert len(preflight(COMPOSER, overrides).problems) == 4


def test_an_overlay_that_is_no_yaml_is_refused(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "broken.yaml").write_text("a: [1\nb: }")
    assert len(preflight(Composer(str(tmp_path)), ["experiments=broken"]).problems) == 1


def test_two_mistakes_in_one_group_are_both_told():
    found = preflight(COMPOSER, ["trainer.epoch=3", "trainer.batch_size=0"])
    assert len(found.problems) == 2


def test_mistakes_of_the_command_line_and_of_the_world_are_told_together(tmp_path):
    found = preflight(
        COMPOSER, ["model=resnet81", "optimizer.lr=0", f"dataset.root={tmp_path}", "device=cuda:9",
                   "dataset.download=false"]
    )  # fmt: skip
    told = [*found.problems, *assembly.problems(found.job(), skip=found.groups)]
    assert len(told) == 4
    assert any("does not contain CIFAR-10" in line for line in told)
    assert any("device=cuda:9 does not exist" in line for line in told)


def test_a_value_that_only_repeats_another_is_not_a_second_mistake():
    # scheduler.max_lr is ${optimizer.lr}
    assert len(preflight(COMPOSER, ["optimizer.lr=-1"]).problems) == 1


def test_a_maximal_learning_rate_may_be_found_and_no_other_value():
    for scheduler in ("one_cycle", "cosine", "multistep", "triangular", "constant"):
        overrides = [f"scheduler={scheduler}", "scheduler.max_lr=find"]
        assert preflight(COMPOSER, overrides).problems == []
    assert preflight(COMPOSER, ["scheduler.max_lr=-1"]).problems == [
        "scheduler.max_lr=-1: must be greater than 0 or must be 'find'"
    ]
    assert preflight(COMPOSER, ["optimizer.lr=find"]).problems == [
        "optimizer.lr=find: must be a valid number"
    ]


def test_an_experiments_values_for_another_model_are_refused(tmp_path):
    found = preflight(COMPOSER, ["experiments=digits", "model=resnet18"])
    assert found.problems == [
        "model.width: ResNet18 has no argument 'width'; its arguments are: last_stride, "
        "pooled_size; the lab supplies num_classes"
    ]


def test_an_overlays_typo_is_found_though_hydra_merges_it(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "typo.yaml").write_text(
        "# @package _global_\ntrainer:\n  epoch: 3\n"
    )
    found = preflight(Composer(str(tmp_path)), ["experiments=typo"])
    assert found.problems[0].startswith(
        "trainer.epoch: Trainer has no argument 'epoch'; did you mean 'epochs'?"
    )


def test_early_stopping_without_validation_is_a_contradiction():
    overrides = ["dataset.validation_fraction=0", "trainer.early_stopping_patience=3"]
    assert "needs validation images" in preflight(COMPOSER, overrides).problems[0]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("mixing.alpha=0", "mixing.alpha=0: must be greater than 0"),
        ("mixing.p=1.5", "mixing.p=1.5: must be less than or equal to 1"),
    ],
)
@pytest.mark.parametrize("option", ["mixup", "cutmix"])
def test_values_of_mixing_have_their_ranges(option, override, message):
    assert preflight(COMPOSER, [f"mixing={option}", override]).problems == [message]


def test_looking_for_a_rate_on_one_device_for_several_is_a_contradiction():
    one = ["trainer=lightning", "scheduler.max_lr=find"]
    four = [*one, "trainer.devices=2", "trainer.num_nodes=2"]
    assert preflight(COMPOSER, four).problems == [
        "the learning rate search runs on one device, but 4 processes train together; set "
        "scheduler.max_lr to the value that `cifar-lab find-lr trainer=native "
        "trainer.batch_size=2048` finds"
    ]
    assert preflight(COMPOSER, one).problems == []


def test_mixing_batches_of_one_image_is_a_contradiction():
    found = preflight(COMPOSER, ["mixing=cutmix", "trainer.batch_size=1"])
    assert found.problems == [
        "mixing: CutMix mixes the images of a batch in pairs, but trainer.batch_size=1; increase "
        "it, or use mixing=none"
    ]
    assert preflight(COMPOSER, ["trainer.batch_size=1"]).problems == []


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["randaugment", "randaugment.magnitude=31"], "magnitude=31: must be less than or equal"),
        (["randaugment", "randaugment.num_ops=0"], "num_ops=0: must be greater than 0"),
        (["randaugment", "randaugment.fill=[0,0,300]"], "fill=.*must be less than or equal to 255"),
        (["trivial", "trivial.fill=median"], "fill=median: .*'mean'"),
    ],
)
def test_values_of_a_policy_have_their_ranges(overrides, message):
    option, value = overrides
    found = preflight(COMPOSER, [f"augmentation={option}", f"augmentation.train.{value}"])
    assert len(found.problems) == 1, found.problems
    assert re.search(message, found.problems[0])


def test_a_missing_name_is_asked_for():
    for library in ("timm", "torchvision"):
        assert preflight(COMPOSER, [f"model={library}"]).problems == [
            "model.name must be set: model.name=…"
        ]


def test_a_missing_root_is_asked_for():
    assert preflight(COMPOSER, ["dataset=image_folder"]).problems == [
        "dataset.root must be set: dataset.root=…"
    ]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["trainer.batch_size=5000"], "batch_size=5000 is larger than the 1293 training images"),
        (["trainer.accumulate_batches=9"], "times trainer.accumulate_batches=9 is larger than"),
        (["scheduler.peak_epoch=24"], "peak_epoch=24 must be less than the 24 epochs of the run"),
        (["device=cuda"], "device=cuda does not exist"),
        (["device=tpu"], "must be auto, cpu, cuda, or cuda:N"),
        (
            ["augmentation.train.cutout.p=2"],
            "augmentation.train.cutout.p=2: must be less than or equal to 1",
        ),
        (
            ["augmentation.train.crop.border=wrap"],
            "crop.border=wrap: must be 'reflect', 'replicate' or",
        ),
        (["report.gradcam_layer=layer9"], "CustomResNet has no such module"),
        (
            ["report.gradcam_layer=[layer2,layer9]"],
            "gradcam_layer=layer9: CustomResNet has no such",
        ),
        (["report.gradcam_layer=[]"], r"report.gradcam_layer=\[\]: must be .+ at least 1 items"),
        (
            ["+trainer.freeze_after_epochs.stam=3"],
            "freeze_after_epochs.stam: no parameter name of CustomResNet begins with 'stam'; the "
            "names begin with: stem, layer1",
        ),
        (["optimizer.momentum=0"], "nesterov=true needs momentum > 0"),
        (
            ["model=timm", "model.name=resnet81"],
            "model: name=resnet81: timm has no such model; did you mean resnet18",
        ),
        (
            ["model=torchvision", "model.name=alexnet"],
            "model: name=alexnet: torchvision's alexnet models are designed for large images",
        ),
        (
            ["optimizer=timm", "optimizer.opt=lamp"],
            "optimizer: opt=lamp: timm has no such optimizer; did you mean lamb",
        ),
        (["dataset.limit_train_images=3"], "too few to give every class its share"),
    ],
)
def test_what_shows_only_when_built_is_refused_too(overrides, message):
    found = preflight(COMPOSER, ["dataset=digits", *overrides])
    told = [*found.problems, *assembly.problems(found.job(), skip=found.groups)]
    assert len(told) == 1, told
    assert re.search(message, told[0])
