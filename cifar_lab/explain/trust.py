"""How far maps can be trusted to show what a prediction is based on, and what was learned."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.explain.targets import predict

#: The share of cells that are covered or uncovered takes the values 0, 1 / STEPS, …, 1.
STEPS = 8


@dataclass(frozen=True)
class Score:
    """Scores of an ordering of cells: means over images, with standard errors.

    Attributes:
        deletion: mean probability of the class as cells are covered; lower is better.
        insertion: the same as cells are uncovered; higher is better.
        deletion_error: standard error of ``deletion``.
        insertion_error: standard error of ``insertion``.
    """

    deletion: float
    insertion: float
    deletion_error: float
    insertion_error: float


def scores(
    model: nn.Module, images: Tensor, classes: Tensor, orders: Mapping[str, NDArray[np.float32]]
) -> dict[str, Score]:
    """Deletion and insertion (Petsiuk et al., RISE, https://arxiv.org/abs/1806.07421).

    Cells are covered with the mean of the data, the most important first. Both curves are
    integrated over the share of cells by the trapezoidal rule.

    Args:
        model: maps images to logits; left unchanged.
        images: float32 ``(n, 3, height, width)``, normalised: 0 is the mean of the data.
        classes: int64 ``(n,)``, the classes whose probability is measured.
        orders: by name, float32 ``(n, h, w)``, importance of each cell.
    """
    # Nothing covered and all covered: the ends of every curve.
    ends = [_probabilities(model, images * share, classes) for share in (1.0, 0.0)]
    return {name: _score(model, images, classes, order, ends) for name, order in orders.items()}


def _score(
    model: nn.Module,
    images: Tensor,
    classes: Tensor,
    importance: NDArray[np.float32],
    ends: list[NDArray[np.float64]],
) -> Score:
    ranks = torch.from_numpy(_ranks(importance)).to(images.device)
    cells = ranks[0].numel()
    # Position of each cell in the ordering: 0 is covered first.
    places = (cells - 1 - ranks).view(len(ranks), 1, *importance.shape[1:])
    places = nn.functional.interpolate(places.float(), size=images.shape[2:], mode="nearest")
    weights = np.full(STEPS + 1, 1 / STEPS)
    weights[[0, -1]] /= 2
    integrals = []
    for keeps, (first, last) in (
        (lambda cut: places >= cut, ends),
        (lambda cut: places < cut, ends[::-1]),
    ):
        between = [
            _probabilities(model, images * keeps(cells * step / STEPS), classes)
            for step in range(1, STEPS)
        ]
        integrals.append(weights @ np.stack([first, *between, last]))
    deletion, insertion = integrals
    errors = [values.std(ddof=1) / np.sqrt(len(values)) for values in integrals]
    return Score(float(deletion.mean()), float(insertion.mean()), *map(float, errors))


def baselines(images: Tensor, grid: tuple[int, int]) -> dict[str, NDArray[np.float32]]:
    """Orderings independent of the model: random, distance from the centre, edge strength.

    Args:
        images: float32 ``(n, 3, height, width)``.
        grid: height and width of the maps to compare with.

    Returns:
        Importance by name, float32 ``(n, h, w)``.
    """
    count, (height, width) = len(images), grid
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    middle = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2)
    grey = images.float().mean(1, keepdim=True)
    # Central differences; borders are replicated, or the frame would be the strongest edge.
    padded = nn.functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    edges = nn.functional.adaptive_avg_pool2d(torch.hypot(down, across), grid).squeeze(1)
    return {
        "random": np.random.default_rng(0).random((count, *grid), dtype=np.float32),
        "centre": np.broadcast_to(-middle, (count, *grid)).astype(np.float32),
        "edges": edges.cpu().numpy(),
    }


def randomisation(
    model: nn.Module,
    maps: NDArray[np.float32],
    explain: Callable[[nn.Module], NDArray[np.float32]],
) -> float:
    """Mean rank correlation of maps with those of the model with randomised weights.

    If the maps stay similar, the method shows the image and not the model (Adebayo et al., Sanity
    Checks for Saliency Maps, https://arxiv.org/abs/1810.03292).

    Args:
        model: a copy of it is randomised.
        maps: float32 ``(n, h, w)``, the maps of the model.
        explain: returns maps of the same images and classes for another model.
    """
    randomised = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in randomised.parameters():
            if (
                parameter.ndim > 1
            ):  # norms and biases are kept, so that activations keep their scale
                drawn = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(drawn * float(parameter.std()))
    return rank_correlation(maps, explain(randomised))


def rank_correlation(maps: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Spearman's correlation of the cells of each pair of maps, averaged over pairs."""
    ranks = [_ranks(side).reshape(len(side), -1).astype(np.float64) for side in (maps, others)]
    centred = [side - side.mean(axis=1, keepdims=True) for side in ranks]
    covariance = (centred[0] * centred[1]).sum(axis=1)
    spread = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    return float(np.mean(covariance / spread))


def _ranks(maps: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rank of each cell in its map, 0 for the smallest; ties by position: int64 ``(n, cells)``."""
    order = np.argsort(maps.reshape(len(maps), -1), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(order.shape[1])[None], axis=1)
    return ranks


def _probabilities(model: nn.Module, images: Tensor, classes: Tensor) -> NDArray[np.float64]:
    chosen = predict(model, images).double().softmax(1).gather(1, classes[:, None]).squeeze(1)
    return chosen.cpu().numpy()
