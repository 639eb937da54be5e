"""The target of every row, and what hardware must have for a target to apply."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

#: Features of hardware, as :func:`benchmarks.machine.features` names them.
AVX512_BF16, AMX_BF16, CUDA = "AVX512-bf16", "AMX-bf16", "CUDA"

#: Why a target cannot be met without a feature, as the end of a sentence.
WITHOUT = {
    AMX_BF16: "without a matrix unit, products in bfloat16 are at most twice as fast as in float32",
    CUDA: "there is no CUDA device",
}


def emulates_bfloat16(features: Collection[str]) -> bool:
    """Whether hardware with these features computes bfloat16 without instructions for it."""
    return not {AVX512_BF16, AMX_BF16, CUDA} & set(features)


@dataclass(frozen=True)
class Target:
    """A bound that a value should meet.

    Attributes:
        value: the bound.
        at_most: whether the bound is an upper one.
        needs: feature of the hardware without which it cannot be met; None if any hardware can.
    """

    value: float
    at_most: bool = False
    needs: str | None = None

    def met(self, value: float) -> bool:
        """Whether a measured value meets the bound."""
        return value <= self.value if self.at_most else value >= self.value

    def obstacle(self, features: Collection[str], reachable: float | None) -> str | None:
        """Why the bound does not apply to some hardware; None if it does.

        Args:
            features: of the hardware.
            reachable: the best value that this hardware allows; None if unknown.
        """
        if self.needs is not None and self.needs not in features:
            return WITHOUT[self.needs]
        if reachable is not None and not self.met(reachable):
            return f"this hardware allows at most {reachable:.2f}"
        return None


#: By name of the row. Without a matrix unit, `trainer.precision=auto` is measured instead of
#: bfloat16: it must choose the faster precision, and float32 must be faster than a plain loop.
TARGETS = {
    "step-resnet18-bf16-128": Target(2.4, needs=AMX_BF16),
    "step-resnet18-bf16-256": Target(2.4, needs=AMX_BF16),
    "step-resnet18-fp32-128": Target(1.2),
    "step-resnet18-fp32-256": Target(1.2),
    "auto-resnet18": Target(0.95),
    "auto-fast90": Target(0.95),
    "matrix-rate-resnet18": Target(0.5),
    "matrix-rate-custom-resnet": Target(0.5),
    "epoch-default": Target(2.5, needs=AMX_BF16),
    "epoch-bf16": Target(1.3),
    "epoch-fp32": Target(1.3),
    "epoch-timm": Target(1.0),
    "epoch-pytorch-cifar": Target(1.0),
    "input-albumentations": Target(10),
    "input-torchvision": Target(10),
    "input-torchvision-batches": Target(1.0),
    "input-kornia": Target(1.0),
    "input-kornia-compiled": Target(1.0),
    "tiny-bare-loop": Target(0.97),
    "tiny-lightning": Target(1.5),
    "start-help": Target(1.3, at_most=True),
    "start-train-help": Target(1.3, at_most=True),
    "start-cfg": Target(1.3, at_most=True),
    "start-first-step": Target(1.5),
    "start-first-step-empty": Target(1.0),
    "lr-finder-fp32": Target(1.0),
    "lr-finder-bf16": Target(2.0, needs=AMX_BF16),
    "lr-finder-bf16-autocast": Target(2.0),
    "gradcam-package": Target(2.5),
    "gradcam-captum": Target(1.5),
    "evaluation-figures": Target(4),
    "predict-files": Target(0.8),
    "records": Target(50, at_most=True),
    "list-runs": Target(5, at_most=True),
    "compare-runs": Target(5, at_most=True),
    "runs-table": Target(2, at_most=True),
    "sweep-plan": Target(20, at_most=True),
    "sweep-short-runs": Target(1 / 3, at_most=True),
    "serving-rate": Target(1.5),
    "serving-p99": Target(1.5),
    "memory-first-run": Target(1.5, at_most=True),
    "memory-later-runs": Target(1.5, at_most=True),
    "accelerator-fast94": Target(1.2, needs=CUDA),
    "accelerator-resnet18": Target(0.7, needs=CUDA),
}
