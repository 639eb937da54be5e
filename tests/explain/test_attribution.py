"""Attribution compared with manual gradients, exact sums and known properties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_lab.explain.attribution import METHODS, NAMES, UNITS, attribute
from cifar_lab.explain.cams import agreement
from cifar_lab.explain.targets import Targets
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.models.resnet import ResNet18
from cifar_lab.refusal import Refusal


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
    # Only the largest of 16 cells has a gradient, w[k]; the mean is w[k] / 16.
    model = CustomResNet(num_classes=5, width=4)
    images, classes = torch.randn(4, 3, 32, 32), torch.tensor([0, 4, 4, 2])
    activations = output_of(model, "layer3.sum", images)
    expected = torch.einsum("nk,nkhw->nhw", model.head.weight[classes] / 16, activations)
    maps = gradcam(model, "layer3.sum", images, classes)
    np.testing.assert_allclose(maps, expected.detach().numpy(), rtol=1e-4, atol=1e-7)
    assert (maps < 0).any()  # signed: no ReLU


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was(training, method):
    model = CustomResNet(num_classes=3, width=4).train(training)
    model.stem[0].weight.requires_grad_(False)
    marked = torch.full_like(model.head.weight, 5.0)
    model.head.weight.grad = marked.clone()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.randn(2, 3, 32, 32)
    attribute(model, method, "layer2", images, of(torch.tensor([0, 1])))
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(model.head.weight.grad, marked)
    assert all(p.grad is None for p in model.parameters() if p is not model.head.weight)
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert frozen == ["stem.0.weight"]
    assert not any(
        m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules()
    )
    assert not images.requires_grad
    assert images.grad is None


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


@pytest.mark.parametrize(("layer", "exact"), [("layer3.sum", True), ("layer1.sum", False)])
def test_hirescam_adds_up_where_gradcam_does_not(layer, exact):
    # After layer 3, the max pool and the bias-free head are piecewise linear in it: gradient times
    # activation is the logit itself.
    model = CustomResNet(num_classes=10, width=8)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias)
    images, classes = torch.randn(6, 3, 32, 32), torch.arange(6)
    with torch.no_grad():
        logits = model.eval()(images)[torch.arange(6), classes].numpy()
    sums = attribute(model, "hirescam", layer, images, of(classes)).sum((1, 2))
    assert np.allclose(sums, logits, rtol=1e-4, atol=1e-6) is exact
    maps = gradcam(model, "layer3.sum", images, classes)
    assert not np.allclose(maps.sum((1, 2)), logits, rtol=0.1)
    exact = attribute(model, "hirescam", "layer3.sum", images, of(classes))
    assert agreement(maps, exact) < 0.9


def test_under_an_average_both_are_one_and_complete():
    model = small(ResNet18(num_classes=10, last_stride=2, pooled_size=1))
    images, targets = torch.randn(3, 3, 32, 32), of(torch.tensor([1, 9, 4]))
    maps = [attribute(model, name, "layer4", images, targets) for name in ("gradcam", "hirescam")]
    np.testing.assert_allclose(*maps, rtol=1e-4, atol=1e-7)
    assert agreement(*maps) == pytest.approx(1, abs=1e-5)


def test_every_method_has_a_name_and_a_unit():
    assert set(METHODS) == set(NAMES) == set(UNITS)


@pytest.mark.parametrize("method", ["gradcam", "hirescam", "integrated_gradients"])
def test_the_map_of_a_difference_is_the_difference_of_maps(method):
    # All three are linear in the explained value.
    model = CustomResNet(num_classes=4, width=4)
    images, labels = torch.randn(3, 3, 32, 32), torch.tensor([2, 0, 3])
    predicted = torch.tensor([1, 3, 0])
    of_target = {
        name: attribute(model, method, "layer2", images, Targets.named(name, predicted, labels))
        for name in ("predicted", "true", "difference")
    }
    expected = of_target["predicted"] - of_target["true"]
    np.testing.assert_allclose(of_target["difference"], expected, rtol=1e-3, atol=1e-6)


def test_integrated_gradients_add_up_to_what_the_image_changes():
    model = CustomResNet(num_classes=4, width=4)
    images, targets = torch.randn(3, 3, 32, 32), of(torch.tensor([1, 3, 0]))
    maps = attribute(model, "integrated_gradients", "", images, targets)
    with torch.no_grad():
        changes = targets.values(model.eval()(images)) - targets.values(model(0 * images))
    assert maps.shape == (3, 32, 32)
    # 32 points along the path leave an error of a few percent.
    np.testing.assert_allclose(maps.sum((1, 2)), changes.numpy(), rtol=0.1, atol=0.02)


def test_integrated_gradients_of_a_linear_model_are_pixel_times_weight():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    images, classes = torch.randn(2, 3, 4, 4), torch.tensor([0, 1])
    maps = attribute(model, "integrated_gradients", "", images, of(classes))
    weights = model[1].weight.detach()[classes].view(2, 3, 4, 4)
    np.testing.assert_allclose(maps, (images * weights).sum(1), rtol=1e-4, atol=1e-6)


def test_occlusion_of_a_linear_model_is_the_covered_pixels_worth():
    # A 4×4 image is a single square: covering it removes everything but the bias.
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    images, classes = torch.randn(2, 3, 4, 4), torch.tensor([0, 1])
    maps = attribute(model, "occlusion", "", images, of(classes))
    weights = model[1].weight.detach()[classes].view(2, 3, 4, 4)
    worth = (images * weights).sum((1, 2, 3)).numpy()
    np.testing.assert_allclose(maps, np.broadcast_to(worth[:, None, None], (2, 4, 4)), rtol=1e-4)


def test_occlusion_finds_the_only_place_that_matters():
    class Corner(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.stack([images[:, 0, :2, :2].sum((1, 2)), images[:, 1, 9, 9]], 1)

    maps = attribute(Corner(), "occlusion", "", torch.ones(1, 3, 16, 16), of(torch.tensor([0])))
    assert maps[0, :2, :2].min() > 0
    assert np.abs(maps[0, 6:, 6:]).max() == 0


def test_guided_gradcam_is_zero_where_gradcam_is_not_positive():
    model = CustomResNet(num_classes=4, width=4)
    images, targets = torch.randn(4, 3, 32, 32), of(torch.tensor([0, 1, 2, 3]))
    coarse = attribute(model, "gradcam", "layer2", images, targets)
    fine = attribute(model, "guided_gradcam", "layer2", images, targets)
    assert fine.shape == (4, 32, 32)
    # Captum upsamples by nearest neighbour.
    outside = np.kron(coarse <= 0, np.ones((1, 4, 4))).astype(bool)
    assert np.abs(fine[outside]).max() == 0
    assert np.abs(fine[~outside]).max() > 0


def test_guided_gradcam_needs_modules_to_guide():
    with pytest.raises(Refusal, match="guides gradients through ReLU modules, but Sequential has"):
        attribute(
            nn.Sequential(nn.Conv2d(3, 2, 1), nn.GELU()), "guided_gradcam", "0",
            torch.zeros(1, 3, 4, 4), of(torch.tensor([0])),
        )  # fmt: skip


def test_tokens_are_explained_as_by_hand():
    # A class token and a register token, then a 2×2 grid; the head reads their mean, so the
    # gradient of class c is v[c] / 6 at every token, and the map of a cell is v[c] · token / 6.
    model = Tokens()
    images, classes = torch.randn(3, 3, 4, 4), torch.tensor([1, 0, 1])
    tokens = model.tokens(images)
    expected = torch.einsum("nk,ntk->nt", model.head.weight[classes], tokens)[:, 2:] / 6
    for method in ("gradcam", "hirescam"):
        maps = attribute(model, method, "mix", images, of(classes))
        np.testing.assert_allclose(maps, expected.detach().view(3, 2, 2), rtol=1e-4, atol=1e-6)


def test_channels_last_are_explained_as_by_hand():
    class Last(nn.Module):
        map_layout = "channels_last"

        def __init__(self) -> None:
            super().__init__()
            self.mix, self.head = nn.Linear(3, 5), nn.Linear(5, 2)

        def forward(self, images: Tensor) -> Tensor:
            return self.head(self.mix(images.permute(0, 2, 3, 1)).mean((1, 2)))

    model = Last()
    images, classes = torch.randn(2, 3, 2, 3), torch.tensor([1, 0])
    features = model.mix(images.permute(0, 2, 3, 1))
    expected = torch.einsum("nk,nhwk->nhw", model.head.weight[classes], features) / 6
    maps = attribute(model, "gradcam", "mix", images, of(classes))
    np.testing.assert_allclose(maps, expected.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.extra("bench")
@pytest.mark.parametrize(("method", "peer"), [("gradcam", "GradCAM"), ("hirescam", "HiResCAM")])
def test_maps_are_those_of_the_grad_cam_package(method, peer):
    import pytorch_grad_cam as package
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model = CustomResNet(num_classes=5, width=4).eval()
    images, classes = torch.randn(4, 3, 32, 32), torch.tensor([0, 4, 2, 1])
    ours = attribute(model, method, "layer2", images, of(classes))
    cam = getattr(package, peer)(model, [model.layer2])
    theirs = cam(images, [ClassifierOutputTarget(int(c)) for c in classes])
    positive = np.clip(ours, 0, None)
    enlarged = nn.functional.interpolate(
        torch.from_numpy(positive)[:, None], size=(32, 32), mode="bilinear", align_corners=False
    )[:, 0].numpy()
    scaled = enlarged - enlarged.min((1, 2), keepdims=True)
    scaled /= scaled.max((1, 2), keepdims=True)
    assert np.abs(scaled - theirs).max() < 0.02


def test_an_unknown_method_is_refused():
    with pytest.raises(Refusal, match="method=lime: must be one of gradcam, hirescam, guided"):
        attribute(
            CustomResNet(3, 4), "lime", "layer2", torch.zeros(1, 3, 32, 32), of(torch.zeros(1))
        )


class Tokens(nn.Module):
    """Two tokens before a 2×2 grid; the head reads the mean of all six."""

    map_layout = "tokens"
    prefix_tokens = 2

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.mix = nn.Conv2d(3, 4, 2, stride=2), nn.Linear(4, 4)
        self.prefix = nn.Parameter(torch.randn(1, 2, 4))
        self.head = nn.Linear(4, 2)

    def tokens(self, images: Tensor) -> Tensor:
        grid = self.patch(images).flatten(2).transpose(1, 2)
        return self.mix(torch.cat([self.prefix.expand(len(images), -1, -1), grid], 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.tokens(images).mean(1))


def of(classes: Tensor) -> Targets:
    return Targets.named("predicted", classes, classes)


def gradcam(model: nn.Module, layer: str, images: Tensor, classes: Tensor) -> np.ndarray:
    return attribute(model, "gradcam", layer, images, of(classes))


class TwoLayers(nn.Module):
    """1×1 convolutions with given weights, a ReLU in between, and a mean over the cells."""

    def __init__(self, first: np.ndarray, second: np.ndarray):
        super().__init__()
        self.first, self.second = (nn.Conv2d(n, 2, 1, bias=False) for n in (3, 2))
        for layer, weights in ((self.first, first), (self.second, second)):
            layer.weight.data = torch.from_numpy(weights).float()[:, :, None, None]

    def forward(self, images: Tensor) -> Tensor:
        return self.second(F.relu(self.first(images))).mean((2, 3))


def small(model: nn.Module) -> nn.Module:
    """A head with small random weights, including the bias."""
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


@pytest.mark.parametrize("method", METHODS)
def test_only_some_methods_need_captum(method, monkeypatch):
    monkeypatch.setattr("cifar_lab.explain.attribution.find_spec", lambda _: None)
    images, zeros = torch.zeros(1, 3, 32, 32), torch.zeros(1, dtype=torch.int64)
    words = (CustomResNet(10, width=4), method, "layer1", images, Targets(zeros, zeros - 1))
    if method in ("gradcam", "hirescam"):
        assert np.isfinite(attribute(*words)).all()
        return
    with pytest.raises(Refusal, match=f"method={method} needs captum, which is not installed"):
        attribute(*words)
