"""Optimizers without torch's compiler.

torch keeps its compiler out of an optimizer's methods with wrappers that first import it. That is
a tenth of a start, for nothing: a run that compiles compiles its model alone.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import TypeVar

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)

#: What torch wraps so, besides the step, in every optimizer.
WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


@cache
def eager(kind: type[Kind]) -> type[Kind]:
    """Return a subclass of an optimizer that computes the same and never imports the compiler.

    Args:
        kind: a class of torch or of the lab. Its step must not be differentiated, which
            ``differentiable=True`` would allow.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in WRAPPED}
    # The innermost function is the bare update, on which autograd is still on.
    step = torch.no_grad()(inspect.unwrap(kind.step))
    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(kind.__name__, (kind,), {**methods, **names, "step": step})
