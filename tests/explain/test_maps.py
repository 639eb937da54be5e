"""Map layouts compared with manually arranged tensors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cifar_lab.explain.maps import as_map, left_as_it_was, probed, with_map


class Model(nn.Module):
    def __init__(self, layout: str | None = None, prefix: int | None = None) -> None:
        super().__init__()
        if layout is not None:
            self.map_layout = layout
        if prefix is not None:
            self.prefix_tokens = prefix


def test_tokens_lie_row_by_row_on_the_grid_without_those_before_it():
    output = torch.arange(2 * 5 * 3).view(2, 5, 3)  # one class token, then 2×2, with 3 channels
    seen = as_map(output, Model("tokens", 1))
    assert seen.shape == (2, 3, 2, 2)
    for row in range(2):
        for column in range(2):
            assert torch.equal(seen[:, :, row, column], output[:, 1 + 2 * row + column])


def test_channels_last_are_moved_first():
    output = torch.arange(2 * 2 * 3 * 4).view(2, 2, 3, 4)
    seen = as_map(output, Model("channels_last"))
    assert seen.shape == (2, 4, 2, 3)
    assert torch.equal(seen[1, 2], output[1, :, :, 2])


@pytest.mark.parametrize(
    ("output", "model"),
    [
        (torch.zeros(2, 3), Model()),
        (torch.zeros(2, 4, 3), Model()),  # tokens, but the model does not declare them
        (torch.zeros(2, 6, 3), Model("tokens", 0)),  # not a square grid
        (torch.zeros(2, 1, 3), Model("tokens", 1)),  # no grid tokens at all
        ((torch.zeros(2, 3, 4, 4),), Model()),
    ],
)
def test_outputs_that_are_not_maps_give_none(output, model):
    assert as_map(output, model) is None


@pytest.mark.parametrize(
    ("shape", "model"),
    [
        ((2, 3, 4, 5), Model()),
        ((2, 4, 5, 3), Model("channels_last")),
        ((2, 11, 4), Model("tokens", 2)),
        ((2, 9, 4), Model("tokens")),
    ],
)
def test_putting_a_map_back_undoes_taking_it(shape, model):
    output = torch.randn(shape)
    assert torch.equal(with_map(output, as_map(output, model), model), output)


def test_a_probed_model_gives_the_same_and_its_probe_sees_the_map():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    images = torch.randn(2, 3, 2, 2)
    seen = []
    with probed(model, "1") as probe:
        probe.register_forward_hook(lambda _m, _i, output: seen.append(output))
        inside = model(images)
    torch.testing.assert_close(inside, model(images))
    assert seen[0].shape == (2, 4, 2, 2)
    assert len(seen) == 1


def test_a_model_is_restored_after_an_error():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2).eval())
    model[0].bias.requires_grad_(False)
    with pytest.raises(KeyError), left_as_it_was(model):
        assert not any(module.training for module in model.modules())
        assert not any(p.requires_grad for p in model.parameters())
        raise KeyError
    assert [m.training for m in model.modules()] == [True, True, False]
    assert [p.requires_grad for p in model.parameters()] == [True, False, True, True]
