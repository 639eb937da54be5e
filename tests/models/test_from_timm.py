"""timm's models adapted: one of every family takes a step, and its layers can be explained."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from cifar_lab.models.from_timm import FAMILIES, timm_model
from cifar_lab.models.resnet import ResNet18
from tests.models.fitting import (
    Step,
    assert_it_is_summarised_and_has_a_map,
    assert_it_learns,
    assert_its_layers_can_be_explained,
    count,
    step,
)

#: Map sides for 32×32 images: with the stem's, without it, and of a plain transformer.
FIVE, FOUR, TOKENS = [32, 32, 16, 8, 4], [32, 16, 8, 4], [8, 8, 8, 8]
#: A small model from every family, with the sides of its declared maps.
TRIED = {
    "convnext_atto": FOUR,
    "cs3darknet_m": FIVE,
    "deit_tiny_distilled_patch16_224": TOKENS,
    "densenet121": FIVE,
    "dla46_c": [32, *FIVE],
    "edgenext_xx_small": FOUR,
    "efficientnet_lite0": FIVE,
    "ese_vovnet19b_slim_dw": FIVE,
    "eva02_tiny_patch14_224": TOKENS,
    "fasternet_t0": FOUR,
    "ghostnet_050": FIVE,
    "gmlp_ti16_224": TOKENS,
    "hgnetv2_b0": FOUR,
    "hrnet_w18_small": FIVE,
    "inception_next_atto": FOUR,
    "mambaout_femto": FOUR,
    "mixer_s32_224": TOKENS,
    "mobilenetv2_050": FIVE,
    "mobilenetv3_small_050": FIVE,
    "poolformer_s12": FOUR,
    "pvt_v2_b0": FOUR,
    "regnetx_002": FIVE,
    "repvgg_a0": FIVE,
    "res2net50_48w_2s": FIVE,
    "resmlp_12_224": TOKENS,
    "resnest14d": FIVE,
    "resnet18": FIVE,
    "resnetv2_18": FIVE,
    "rexnet_100": FIVE,
    "skresnet18": FIVE,
    "starnet_s050": FOUR,
    "swin_tiny_patch4_window7_224": FOUR,
    "swinv2_tiny_window8_256": FOUR,
    "vgg11_bn": [*FOUR, 4, 4],
    "vit_tiny_patch16_224": TOKENS,
    "xception41": [*FOUR, 4],
}
#: More convolutional models, cheaply checked without weights.
VARIANTS = {
    "gernet_s": FIVE,
    "lcnet_050": FIVE,
    "mixnet_s": FIVE,
    "mnasnet_small": FIVE,
    "resnet50d": FIVE,
    "resnetblur18": FIVE,
    "resnetv2_50x1_bit": FIVE,
    "resnext50_32x4d": FIVE,
    "seresnet18": FIVE,
    "tf_efficientnetv2_b0": FIVE,
    "wide_resnet50_2": FIVE,
}


@pytest.fixture(scope="module", params=TRIED)
def tried(request) -> tuple[Step, list[int]]:
    return step(lambda: small(request.param)), TRIED[request.param]


@pytest.mark.slow
def test_it_learns_and_its_layers_can_be_explained(tried):
    taken, sides = tried
    assert_it_learns(taken)
    assert_its_layers_can_be_explained(taken)
    assert_it_is_summarised_and_has_a_map(taken)
    assert taken.sides() == sides


def test_every_family_is_tried():
    assert {module_of(name) for name in TRIED} == set(FAMILIES)


@pytest.mark.parametrize("name", VARIANTS)
def test_other_members_of_a_family_end_on_the_same_maps(name):
    sides: list[int] = []
    with torch.device("meta"), torch.no_grad():
        model = small(name).eval()
        for layer in model.explainable_layers:
            module = model.get_submodule(layer)
            module.register_forward_hook(lambda _m, _i, output: sides.append(output.shape[-1]))
        assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
    assert sides == VARIANTS[name]


@pytest.mark.parametrize("name", [*VARIANTS, "convnext_atto", "dla46_c", "regnetx_002"])
def test_nothing_but_the_kernel_on_the_image_loses_parameters(name):
    with torch.device("meta"):
        own, fitted = timm.create_model(name, num_classes=10), small(name)
    stems = [m for m in own.modules() if isinstance(m, nn.Conv2d) and m.in_channels == 3]
    lost = sum(3 * m.out_channels * max(m.kernel_size[0] ** 2 - 9, 0) for m in stems)
    assert count(fitted) == count(own) - lost


@pytest.mark.parametrize("training", [False, True])
def test_resnet18_is_ours(training):
    ours = ResNet18(num_classes=10, last_stride=2, pooled_size=1)
    theirs = small("resnet18")
    assert count(theirs) == count(ours) == 11_173_962
    # Names differ, but the order is the same.
    weights = dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True))
    theirs.load_state_dict(weights)
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(theirs.train(training)(images), ours.train(training)(images))


def test_vgg_has_one_linear_layer():
    model = small("vgg11")
    convolutions = sum(p.numel() for p in model.features.parameters())
    assert count(model) == convolutions + 512 * 10 + 10


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convnext_atto", "vit_tiny_patch16_224", "regnetx_002"])
def test_it_computes_in_bfloat16_and_channels_last(name):
    model = small(name).to(memory_format=torch.channels_last)
    images = torch.randn(2, 3, 32, 32).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(images)
    logits.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", ["resmlp_12_224", "vit_tiny_patch16_224", "mobilenetv3_small_050"])
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (64, 32)])
def test_it_takes_images_of_other_sizes(name, size):
    with torch.no_grad():
        assert small(name, size).eval()(torch.randn(2, 3, *size)).shape == (2, 10)


def test_the_seed_makes_the_weights():
    first, second = seeded("regnetx_002"), seeded("regnetx_002")
    assert all(torch.equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))


def test_class_and_register_tokens_are_separated_from_the_grid():
    with torch.device("meta"):
        names = ("deit_tiny_distilled_patch16_224", "vit_wee_patch16_reg1_gap_256", "gmlp_ti16_224")
        assert [small(name).prefix_tokens for name in names] == [2, 1, 0]


def test_blocks_of_parallel_branches_are_explained_by_what_the_last_one_reads():
    with torch.device("meta"):
        assert small("vit_pwee_patch16_reg1_gap_256").explainable_layers[-1] == "blocks.14"


def test_rates_of_dropout_reach_the_model():
    model = timm_model(10, (32, 32), "convnext_atto", drop_rate=0.3, drop_path_rate=0.2)
    assert model.head.drop.p == 0.3
    assert model.stages[3].blocks[1].drop_path.drop_prob == pytest.approx(0.2)


def test_a_rate_that_the_model_does_not_take_is_refused():
    with pytest.raises(
        ValueError, match=r"name=vgg11: .*drop_path_rate.*; set arguments that it does not accept"
    ):
        timm_model(10, (32, 32), "vgg11", drop_rate=None, drop_path_rate=0.1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet81", r"name=resnet81: timm has no such model; did you mean resnet18 or"),
        ("resnet18.a1_in1k", r"timm has no such model; did you mean .*timm.list_models\(\) lists"),
        ("hf-hub:timm/resnet18", "timm has no such model"),
        ("inception_v4", "timm's inception_v4 models are designed for large images"),
        ("bat_resnext26ts", "bat_resnext26ts cannot be adapted to images of 32×32 pixels"),
    ],
)
def test_a_model_that_is_unknown_or_does_not_fit_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        small(name)


def small(name: str, image_size: tuple[int, int] = (32, 32)) -> nn.Module:
    return timm_model(10, image_size, name, drop_rate=None, drop_path_rate=None)


def seeded(name: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    return small(name).state_dict()


def module_of(name: str) -> str:
    return timm.models.model_entrypoint(name).__module__.rsplit(".", 1)[-1]
