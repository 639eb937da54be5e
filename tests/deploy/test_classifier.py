"""A trained network classifies and explains images that somebody hands over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cifar_lab.data.normalise import Normalise
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.explain.cams import class_activation_maps
from cifar_lab.explain.targets import Targets
from cifar_lab.refusal import Refusal
from tests.deploy import bundles

USAGE = replace(bundles.USAGE, image_size=(8, 8), energy_limit=None, energy_images=0)
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)


class Net(nn.Module):
    """One convolution, and the mean of each of its channels as a logit."""

    explainable_layers = ("convolution",)

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, images):
        return self.convolution(images).mean((2, 3))


@pytest.fixture
def net() -> Net:
    return Net().eval()


def normalised():
    pixels = (IMAGES / 255 - np.asarray(USAGE.mean)) / np.asarray(USAGE.std)
    return torch.from_numpy(pixels).float().permute(0, 3, 1, 2)


def test_logits_are_those_of_normalised_pixels(net):
    found = Classifier(net, USAGE).logits(IMAGES)
    with torch.no_grad():
        expected = net(normalised()).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_flip_averaging_averages_mirror_images(net):
    found = Classifier(net, replace(USAGE, flips=True)).logits(IMAGES)
    with torch.no_grad():
        expected = (net(normalised()) + net(normalised().flip(3))) / 2
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_bfloat16_is_that_of_autocast(net):
    found = Classifier(net, replace(USAGE, precision="bfloat16")).logits(IMAGES)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        expected = net(normalised().bfloat16()).float().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3)
    in_float32 = Classifier(net, USAGE).logits(IMAGES)
    assert np.abs(found - in_float32).max() > 1e-4


def test_images_beyond_the_limit_of_energy_are_far(net):
    classifier = Classifier(net, replace(USAGE, energy_limit=-2.0, energy_images=100))
    # Of two logits, the energy is -log(exp(a) + exp(b)).
    logits = np.log(np.asarray([[4, 4], [1, 2]], dtype=np.float32))
    assert classifier.far(logits).tolist() == [False, True]
    assert Classifier(net, USAGE).far(logits) is None


def test_maps_explain_the_predicted_class_unless_another_is_named(net):
    opened = Classifier(net, USAGE)
    predicted = opened.logits(IMAGES).argmax(1)
    found = opened.maps(IMAGES, "hirescam", None, None)
    assert found.classes.tolist() == predicted.tolist()
    assert (found.method, found.layer, found.maps.shape) == ("hirescam", "convolution", (4, 8, 8))
    for target in ("cat", 2):
        named = opened.maps(IMAGES, "hirescam", None, target)
        assert named.classes.tolist() == [2] * 4
        # HiResCAM of the mean of a channel is the channel, divided by the number of its cells.
        with torch.no_grad():
            channel = net.convolution(normalised())[:, 2].numpy() / 64
        np.testing.assert_allclose(named.maps, channel, atol=1e-6)


def test_gradcam_is_the_default_where_it_is_faithful(net):
    """Each location of a channel weighs the same here, so that both methods agree."""
    found = Classifier(net, USAGE).maps(IMAGES, None, None, 0)
    assert found.method == "gradcam"
    mean, std = np.asarray(USAGE.mean), np.asarray(USAGE.std)
    images = Normalise(mean, std, torch.device("cpu"), False, torch.float32)(
        torch.from_numpy(IMAGES)
    )
    zeros = torch.zeros(4, dtype=torch.int64)
    both = class_activation_maps(net, "convolution", images, Targets(zeros, zeros - 1))
    np.testing.assert_array_equal(found.maps, both.gradcam)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_methods_without_a_layer_explain_pixels(net, method):
    found = Classifier(net, USAGE).maps(IMAGES, method, None, 1)
    assert (found.layer, found.maps.shape, found.notes) == ("", (4, 8, 8), ("",) * 4)


@pytest.mark.parametrize(
    ("method", "layer", "target", "said"),
    [
        ("gradcamm", None, None, r"method=gradcamm: must be one of .*did you mean 'gradcam'\?"),
        (None, "head", None, "layer=head: Net has no such module; it declares convolution"),
        (None, None, "dog", "target=dog: there is no such class; give a number from 0 to 2"),
        (None, None, 3, "target=3: there is no such class"),
        (None, None, -1, "target=-1: there is no such class"),
        (None, None, True, "target=True: there is no such class"),
    ],
)
def test_what_cannot_be_explained_is_refused(net, method, layer, target, said):
    with pytest.raises(Refusal, match=said):
        Classifier(net, USAGE).maps(IMAGES, method, layer, target)


def test_all_that_cannot_be_explained_is_told_at_once(net):
    with pytest.raises(Refusal) as refused:
        Classifier(net, USAGE).maps(IMAGES, None, "head", "dog")
    assert [each.partition(":")[0] for each in refused.value.problems] == [
        "layer=head",
        "target=dog",
    ]


def test_a_network_without_a_layer_says_what_to_use():
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3)).eval()
    with pytest.raises(Refusal, match="no layer of Sequential gives a map; use method=integrated"):
        Classifier(net, USAGE).maps(IMAGES, None, None, None)
