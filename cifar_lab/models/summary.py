"""Model summary: the layer table, parameters and multiply-adds."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


@dataclass(frozen=True)
class ModelSummary:
    """A model's size.

    Attributes:
        table: layer, output shape and parameters, one layer per line.
        parameters: number of trainable and frozen parameters.
        multiply_adds: multiply-adds of convolutions and matrix products, including attention's,
            in one forward pass over one image.
    """

    table: str
    parameters: int
    multiply_adds: int

    def table_at(self, batch_size: int) -> str:
        """The table with the multiply-adds of a batch added, as published tables count them."""
        giga = batch_size * self.multiply_adds / 1e9
        total = f"Total mult-adds at batch {batch_size} (G): {giga:,.2f}"
        return re.sub(r"(Total mult-adds \(M\): .*)", rf"\1\n{total}", self.table)


class _FlopCounter(TorchDispatchMode):
    """Counts floating-point operations with torch's formulas.

    torch's own FlopCounterMode imports the compiler, a tenth of a start, and counts no more of a
    forward pass in eager mode.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # otherwise torch wraps the method below like its own

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if (count := flop_registry.get(func._overloadpacket)) is not None:
            self.total += count(*args, **(kwargs or {}), out_val=result)
        return result


def summarise(model: nn.Module, image_size: tuple[int, int]) -> ModelSummary:
    """Summarise a model with torchinfo and torch on one image; its mode is restored.

    Args:
        model: accepts float ``(1, 3, height, width)``.
        image_size: height and width in pixels.
    """
    import torchinfo

    # torchinfo would move the model to CUDA wherever there is one.
    first = next(model.parameters(), None)
    device = torch.device("cpu") if first is None else first.device
    with warnings.catch_warnings(), _FlopCounter() as counter:
        # torchinfo uses typed storages, which torch has deprecated.
        warnings.simplefilter("ignore", UserWarning)
        statistics = torchinfo.summary(
            model,
            input_size=(1, 3, *image_size),
            depth=4,
            col_names=("output_size", "num_params", "mult_adds"),
            row_settings=("var_names",),
            verbose=0,
            device=device,
        )
    # torchinfo keeps the last model of each class with its weights, also if it is not asked to.
    torchinfo.torchinfo.clear_cached_forward_pass()
    # Since Python 3.11 torchinfo prints the name of its unit enum instead of the letter.
    table = re.sub(r"Units\.(\w)\w+", lambda unit: unit[1], str(statistics))
    multiply_adds = counter.total // 2
    # torchinfo counts a linear layer once rather than per token, and ignores attention.
    total = f"Total mult-adds (M): {multiply_adds / 1e6:,.2f}"
    table = re.sub(r"Total mult-adds \(\w\): .*", total, table)
    return ModelSummary(table, statistics.total_params, multiply_adds)
