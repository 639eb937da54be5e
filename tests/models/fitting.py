"""What every adapted library model must do, checked in one training step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from cifar_lab.explain.attribution import attribute
from cifar_lab.explain.layers import choose_layers
from cifar_lab.explain.targets import Targets
from cifar_lab.models.summary import summarise


@dataclass(frozen=True)
class Step:
    """A model after one forward and backward pass, with the outputs of its declared layers."""

    model: nn.Module
    logits: Tensor
    outputs: dict[str, Tensor]

    def grids(self) -> dict[str, Tensor]:
        """The gradient at each declared layer, as ``(batch, channels, h, w)``."""
        return {name: self._as_grid(output.grad) for name, output in self.outputs.items()}

    def sides(self) -> list[int]:
        return [grid.shape[-1] for grid in self.grids().values()]

    def _as_grid(self, output: Tensor) -> Tensor:
        if self.model.map_layout == "channels_last":
            return output.permute(0, 3, 1, 2)
        if self.model.map_layout == "channels_first":
            return output
        tokens = output[:, self.model.prefix_tokens :]
        side = round(tokens.shape[1] ** 0.5)
        return tokens.transpose(1, 2).unflatten(2, (side, side))


def step(make: Callable[[], nn.Module]) -> Step:
    """Build a model and pass two random images through it, in train mode."""
    torch.manual_seed(0)
    model = make().train()
    for parameter in model.parameters():
        # Heads and final norms are deliberately zero-initialised, and would hide earlier layers.
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    outputs: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            output.retain_grad()
            outputs[name] = output

        return hook

    modules = dict(model.named_modules())
    handles = [modules[n].register_forward_hook(keep(n)) for n in model.explainable_layers]
    logits = model(torch.randn(2, 3, 32, 32))
    for handle in handles:
        handle.remove()
    logits.diagonal().sum().backward()
    return Step(model, logits.detach(), outputs)


def assert_it_is_summarised_and_has_a_map(step: Step) -> None:
    """Its summary works, and GradCAM of two images is finite and not all zero at its layer."""
    size = summarise(step.model, (32, 32))
    assert size.parameters == count(step.model)
    assert size.multiply_adds > 0
    (layer,) = choose_layers(step.model, (32, 32), None)
    classes = torch.tensor([0, 1])
    maps = attribute(
        step.model, "gradcam", layer, torch.randn(2, 3, 32, 32),
        Targets.named("predicted", classes, classes),
    )  # fmt: skip
    assert maps.shape[0] == 2
    assert np.isfinite(maps).all()
    assert np.abs(maps).max() > 0


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def assert_it_learns(step: Step) -> None:
    """Ten finite logits per image, and a finite gradient for every parameter."""
    assert step.logits.shape == (2, 10)
    assert step.logits.isfinite().all()
    lost = [
        name
        for name, parameter in step.model.named_parameters()
        if parameter.grad is None or not parameter.grad.isfinite().all()
    ]
    assert lost == []


def assert_its_layers_can_be_explained(step: Step) -> None:
    """Declared layers run in order, and every map has cells that the logits depend on."""
    assert list(step.outputs) == list(step.model.explainable_layers)
    for name, grid in step.grids().items():
        assert grid.shape[-1] == grid.shape[-2], name
        assert grid.abs().sum(dim=1).flatten(1).amax(dim=1).min() > 0, name
    assert not any(getattr(module, "inplace", False) for module in step.model.modules())
