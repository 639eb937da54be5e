"""A schedule of one's own: the learning rate as a function of the step."""

from __future__ import annotations


def sawtooth(step: int, steps: int, *, max_lr: float, teeth: int) -> float:
    """Fall from the maximum to zero several times in a run of ``steps`` updates."""
    length = steps / teeth
    return max_lr * (1 - (step % length) / length)
