"""A run's network classifies and explains images from its folder alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cifar_lab.data.normalise import Normalise
from cifar_lab.explain.cams import class_activation_maps
from cifar_lab.explain.targets import Targets
from cifar_lab.recipe.given import Opened
from cifar_lab.refusal import Refusal
from cifar_lab.run.data import Data

DATA = Data(
    class_names=("ant", "bee", "cat"),
    mean=(0.5, 0.4, 0.3),
    std=(0.2, 0.2, 0.1),
    image_size=(8, 8),
    fingerprint="",
    split_sizes={},
    class_counts={},
)
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
    pixels = (IMAGES / 255 - np.asarray(DATA.mean)) / np.asarray(DATA.std)
    return torch.from_numpy(pixels).float().permute(0, 3, 1, 2)


def test_logits_are_those_of_normalised_pixels(net):
    found = Opened(net, DATA, flips=False, layer=None).logits(IMAGES)
    with torch.no_grad():
        expected = net(normalised()).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_run_with_flip_averaging_averages_mirror_images(net):
    found = Opened(net, DATA, flips=True, layer=None).logits(IMAGES)
    with torch.no_grad():
        expected = (net(normalised()) + net(normalised().flip(3))) / 2
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_maps_explain_the_predicted_class_unless_another_is_named(net):
    opened = Opened(net, DATA, flips=False, layer=None)
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
    found = Opened(net, DATA, flips=False, layer=None).maps(IMAGES, None, None, 0)
    assert found.method == "gradcam"
    mean, std = np.asarray(DATA.mean), np.asarray(DATA.std)
    images = Normalise(mean, std, torch.device("cpu"), False, torch.float32)(
        torch.from_numpy(IMAGES)
    )
    zeros = torch.zeros(4, dtype=torch.int64)
    both = class_activation_maps(net, "convolution", images, Targets(zeros, zeros - 1))
    np.testing.assert_array_equal(found.maps, both.gradcam)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_methods_without_a_layer_explain_pixels(net, method):
    found = Opened(net, DATA, flips=False, layer=None).maps(IMAGES, method, None, 1)
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
        Opened(net, DATA, flips=False, layer=None).maps(IMAGES, method, layer, target)


def test_a_network_without_a_layer_says_what_to_use():
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3)).eval()
    with pytest.raises(Refusal, match="no layer of Sequential gives a map; use method=integrated"):
        Opened(net, DATA, flips=False, layer=None).maps(IMAGES, None, None, None)
