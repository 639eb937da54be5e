"""GradCAM against gradients worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_lab.explain.gradcam import gradcam
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.models.resnet import ResNet18


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def test_a_two_layer_net_is_explained_as_by_hand():
    # One image of 1×3 cells. The first layer makes two channels, the second two classes:
    # logit_c = mean over the cells of sum_k v[c, k] ReLU(a_k).
    first = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
    second = np.array([[3.0, -6.0], [-9.0, 12.0]])
    pixels = np.array([[2.0, -1.0, 1.0], [4.0, 0.0, 1.0], [1.0, 3.0, 0.0]])  # channel by cell
    model = TwoLayers(first, second)
    images = torch.from_numpy(pixels).float().view(1, 3, 1, 3).expand(2, -1, -1, -1)
    # a = [[2, -1, 1], [3, -3, 1]]: two of three cells of either channel pass the ReLU, so the
    # gradients v[c, k] / 3 or 0 have the mean 2 v[c, k] / 9.
    # class 0: weights 2/3 and -4/3; class 1: weights -2 and 8/3.
    expected = [[[-8 / 3, 10 / 3, -2 / 3]], [[4.0, -6.0, 2 / 3]]]
    maps = gradcam(model, "first", images, torch.tensor([0, 1]))
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, expected, rtol=1e-5)


def test_under_a_global_average_head_the_map_sums_to_the_logit_less_its_bias():
    # d logit / d A[k, i, j] = w[k] / cells everywhere, which is its own mean; so the map is
    # sum_k w[k] A[k, i, j] / cells, and its sum is sum_k w[k] mean(A[k]): no factor is left.
    model = small(ResNet18(num_classes=10, last_stride=2, pooled_size=1))
    images, classes = torch.randn(3, 3, 32, 32), torch.tensor([1, 9, 4])
    maps = gradcam(model, "layer4", images, classes)
    with torch.no_grad():
        logits = model.eval()(images) - model.head.bias
    assert maps.shape == (3, 4, 4)
    expected = logits[torch.arange(3), classes].numpy()
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), expected, rtol=1e-4, atol=1e-6)


def test_under_the_2x2_head_channels_weigh_the_sum_of_their_quadrants():
    # A cell of quadrant q has the gradient w[k, q] / 16; the mean over 64 cells is
    # sum_q w[k, q] / 64.
    model = small(ResNet18(num_classes=10, last_stride=1, pooled_size=2))
    images, classes = torch.randn(2, 3, 32, 32), torch.tensor([7, 2])
    activations = output_of(model, "layer4", images)
    weights = model.head.weight.view(10, 512, 4).sum(2)[classes] / 64
    expected = torch.einsum("nk,nkhw->nhw", weights, activations).detach().numpy()
    maps = gradcam(model, "layer4", images, classes)
    assert maps.shape == (2, 8, 8)
    np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-6)


def test_under_the_max_pool_every_cell_is_weighed_as_the_largest():
    # Only the largest of 16 cells has a gradient, w[k]; its mean is w[k] / 16.
    model = CustomResNet(num_classes=5, width=4)
    images, classes = torch.randn(4, 3, 32, 32), torch.tensor([0, 4, 4, 2])
    activations = output_of(model, "layer3.sum", images)
    expected = torch.einsum("nk,nkhw->nhw", model.head.weight[classes] / 16, activations)
    maps = gradcam(model, "layer3.sum", images, classes)
    np.testing.assert_allclose(maps, expected.detach().numpy(), rtol=1e-4, atol=1e-7)
    assert (maps < 0).any()  # signed: no ReLU


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was(training):
    model = CustomResNet(num_classes=3, width=4).train(training)
    marked = torch.full_like(model.head.weight, 5.0)
    model.head.weight.grad = marked.clone()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.randn(2, 3, 32, 32)
    gradcam(model, "layer2", images, torch.tensor([0, 1]))
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(model.head.weight.grad, marked)
    assert all(p.grad is None for p in model.parameters() if p is not model.head.weight)
    assert all(p.requires_grad for p in model.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert not images.requires_grad


def test_a_model_in_train_mode_is_explained_in_eval_mode():
    model = CustomResNet(num_classes=3, width=4)
    images, classes = torch.randn(3, 3, 32, 32), torch.tensor([0, 1, 2])
    as_trained = gradcam(model.train(), "layer2", images, classes)
    np.testing.assert_array_equal(as_trained, gradcam(model.eval(), "layer2", images, classes))


def test_an_image_has_the_same_map_alone_and_among_others():
    model = CustomResNet(num_classes=3, width=4)
    images, classes = torch.randn(3, 3, 32, 32), torch.tensor([0, 1, 2])
    together = gradcam(model, "layer2", images, classes)
    alone = gradcam(model, "layer2", images[1:2], classes[1:2])
    np.testing.assert_allclose(alone[0], together[1], rtol=1e-4, atol=1e-7)


class TwoLayers(nn.Module):
    """1×1 convolutions with given weights, ReLU between, and a mean over the cells."""

    def __init__(self, first: np.ndarray, second: np.ndarray):
        super().__init__()
        self.first, self.second = (nn.Conv2d(n, 2, 1, bias=False) for n in (3, 2))
        for layer, weights in ((self.first, first), (self.second, second)):
            layer.weight.data = torch.from_numpy(weights).float()[:, :, None, None]

    def forward(self, images: Tensor) -> Tensor:
        return self.second(F.relu(self.first(images))).mean((2, 3))


def small(model: nn.Module) -> nn.Module:
    """A head of small random weights, bias included."""
    nn.init.normal_(model.head.weight, std=0.01)
    nn.init.normal_(model.head.bias)
    return model


def output_of(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    outputs = []
    handle = model.get_submodule(layer).register_forward_hook(lambda _m, _i, o: outputs.append(o))
    with torch.no_grad():
        model.eval()(images)
    handle.remove()
    return outputs[0]
