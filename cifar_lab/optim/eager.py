"""Optimizers without torch's compiler.

torch keeps its compiler out of an optimizer's methods with wrappers that first import it. That is
a tenth of a start, for nothing: a run that compiles compiles its model alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)

#: What torch wraps so, besides the step, in every optimizer.
WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


@cache
def eager(kind: type[Kind]) -> type[Kind]:
    """Return a subclass of an optimizer that computes the same and never imports the compiler.

    Args:
        kind: a class of torch or of the lab.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in WRAPPED}
    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
    step = _step(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), {**methods, **names, "step": step})


def _step(update: Callable[..., Any]) -> Callable[..., Any]:
    """Return a step that runs an update with autograd off, unless it is to be differentiated."""

    @wraps(update)
    def step(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):
            return update(self, *args, **kwargs)

    return step
