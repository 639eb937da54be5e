"""Both maps from one pass, compared with Captum's, each computed separately."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam, LayerGradientXActivation

from cifar_lab.explain.cams import agreement, class_activation_maps, leading
from cifar_lab.explain.targets import Targets, value
from cifar_lab.models.custom_resnet import CustomResNet


@pytest.fixture(scope="module")
def setting():
    torch.manual_seed(0)
    model = CustomResNet(num_classes=5, width=4).eval()
    return model, torch.randn(230, 3, 32, 32), torch.arange(230) % 5


@pytest.mark.parametrize("name", ["predicted", "difference"])
def test_maps_are_those_of_captum(setting, name):
    model, images, classes = setting
    targets = Targets.named(name, classes, classes.roll(1))
    found = class_activation_maps(model, "layer2", images, targets)

    def explained(batch):
        return value(model(batch), targets.first, targets.second)

    gradcam = LayerGradCam(explained, model.layer2).attribute(images, relu_attributions=False)
    hirescam = LayerGradientXActivation(explained, model.layer2).attribute(images)
    np.testing.assert_allclose(found.gradcam, gradcam[:, 0].detach(), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.hirescam, hirescam.sum(1).detach(), rtol=1e-3, atol=1e-6)
    with torch.no_grad():
        np.testing.assert_allclose(found.logits, model(images), rtol=1e-4, atol=1e-5)
    assert found.gradcam.dtype == found.hirescam.dtype == found.logits.dtype == np.float32


def test_the_map_of_a_difference_is_that_of_plain_autograd_and_the_difference_of_the_maps(setting):
    model, images, predicted = setting
    images, predicted = images[:6], predicted[:6]
    labels = (predicted + 2) % 5
    found = {
        name: class_activation_maps(model, "layer2", images, Targets.named(name, predicted, labels))
        for name in ("predicted", "true", "difference")
    }
    outputs = []
    hook = model.layer2.register_forward_hook(lambda _m, _i, output: outputs.append(output))
    logits = model(images)
    hook.remove()
    rows = torch.arange(6)
    margin = logits[rows, predicted] - logits[rows, labels]
    (gradient,) = torch.autograd.grad(margin.sum(), outputs[0])
    expected = (gradient * outputs[0]).sum(1).detach()
    np.testing.assert_allclose(found["difference"].hirescam, expected, rtol=1e-3, atol=1e-5)
    for method in ("gradcam", "hirescam"):
        first, second, both = (getattr(found[name], method) for name in found)
        np.testing.assert_allclose(both, first - second, rtol=1e-3, atol=1e-5)


def test_without_targets_the_largest_logit_is_explained(setting):
    model, images, _ = setting
    found = class_activation_maps(model, "layer2", images[:20])
    largest = torch.from_numpy(found.logits.argmax(1))
    named = class_activation_maps(
        model, "layer2", images[:20], Targets.named("predicted", largest, largest)
    )
    for one, other in zip(found, named, strict=True):
        np.testing.assert_array_equal(one, other)


def test_equal_maps_agree_and_only_they_do_so_without_spread():
    maps = np.random.default_rng(0).normal(size=(3, 4, 4)).astype(np.float32)
    assert agreement(maps, maps) == pytest.approx(1)
    assert agreement(maps, -maps) == pytest.approx(-1)
    nothing = np.zeros_like(maps)
    assert agreement(nothing, nothing) == 1
    assert agreement(nothing, maps) == 0  # GradCAM shows nothing where there is something


def test_gradcam_leads_only_where_it_is_faithful():
    assert leading(1.0) == leading(0.99) == ("gradcam",)
    assert leading(0.98) == leading(-1.0) == ("hirescam", "gradcam")
