"""Adapting networks to small images, tested on networks with a few layers."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from cifar_lab.models.small_images import (
    FIRST_HALVINGS,
    LAST_HALVINGS,
    attended,
    last_of_each_size,
    patch_side,
    quarters,
    take_out_halvings,
)


def test_the_first_two_halvings_are_taken_out():
    model = five_halvings()
    take_out_halvings(model, FIRST_HALVINGS)
    assert sides(model) == [32, 32, 16, 8, 4]
    assert isinstance(model[1], nn.Identity)


def test_the_last_two_halvings_are_taken_out():
    model = five_halvings()
    take_out_halvings(model, LAST_HALVINGS)
    assert sides(model) == [16, 8, 4, 4, 4]


def test_a_large_kernel_on_the_image_becomes_its_middle_with_the_variance_it_had():
    torch.manual_seed(0)
    model = five_halvings()
    before = copy.deepcopy(model[0])
    take_out_halvings(model, FIRST_HALVINGS)
    torch.testing.assert_close(model[0].weight, before.weight[:, :, 2:5, 2:5] * 7 / 3)
    images = torch.randn(16, 3, 32, 32)
    assert model[0](images).std().item() == pytest.approx(before(images).std().item(), rel=0.1)


def test_patches_of_four_pixels_become_a_stem_that_keeps_the_size():
    model = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.Conv2d(8, 8, 2, stride=2))
    take_out_halvings(model, FIRST_HALVINGS)
    assert sides(model) == [32, 16]


def test_both_ways_of_a_residual_block_keep_the_size():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch = nn.Conv2d(3, 8, 3, stride=2, padding=1)
            self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(3, 8, 1))

        def forward(self, x):
            return self.branch(x) + self.shortcut(x)

    model = Block()
    take_out_halvings(model, FIRST_HALVINGS)
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 8, 32, 32)
    assert model.shortcut[1].kernel_size == (1, 1)


def test_a_stem_that_fits_already_is_left_alone():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2))
    before = copy.deepcopy(model[0])
    take_out_halvings(model, LAST_HALVINGS)
    assert torch.equal(model[0].weight, before.weight)
    assert sides(model) == [32, 16]


@pytest.mark.parametrize("training", [False, True])
def test_looking_changes_no_statistics_and_leaves_no_hooks(training):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.MaxPool2d(2)).train(training)
    take_out_halvings(model, FIRST_HALVINGS)
    last_of_each_size(model, "", (32, 32), "channels_first")
    assert not model[1].running_mean.any()
    assert all(module.training is training for module in model.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize(
    ("image_size", "side"),
    [((32, 32), 4), ((64, 64), 8), ((8, 8), 1), ((28, 28), 4), ((32, 48), 4), ((31, 31), 1)],
)
def test_an_image_is_cut_into_about_eight_by_eight_patches_without_rest(image_size, side):
    assert patch_side(image_size) == side


def test_a_quarter_of_the_depth_ends_where_a_quarter_of_the_blocks_do():
    blocks = [f"b{number}" for number in range(1, 13)]
    assert quarters(blocks) == ("b3", "b6", "b9", "b12")
    assert quarters(blocks[:4]) == ("b1", "b2", "b3", "b4")
    assert attended(blocks, "norm") == ("b3", "b6", "b9", "b12.norm")


def test_the_last_module_of_each_size_is_found():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.ReLU(), nn.MaxPool2d(2), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
    )
    assert last_of_each_size(model, "", (8, 8), "channels_first") == ("1", "3")
    outer = nn.ModuleDict({"trunk": model})
    outer.forward = model.forward
    assert last_of_each_size(outer, "trunk", (8, 8), "channels_first") == ("trunk.1", "trunk.3")


def test_height_and_width_stand_where_the_layout_says():
    class ToLast(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1)

    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 5, 2, stride=2), ToLast()), nn.Linear(5, 7))
    assert last_of_each_size(model, "", (8, 8), "channels_last") == ("1",)


def five_halvings() -> nn.Sequential:
    """Designed for large images: a 7×7 stem, a pool, and three stages."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, stride=2, padding=3),
        nn.MaxPool2d(3, stride=2, padding=1),
        *(nn.Conv2d(8, 8, 3, stride=2, padding=1) for _ in range(3)),
    )


def sides(model: nn.Sequential) -> list[int]:
    x, found = torch.randn(1, 3, 32, 32), []
    for layer in model:
        x = layer(x)
        found.append(x.shape[-1])
    return found
