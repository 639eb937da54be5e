"""How the lab calls what a node names: which arguments it supplies, and which the YAML gives.

Optimizers and schedulers of torch and timm, and functions of a user's own, are called as they are.
What each of them asks for is read from its signature.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Literal

from cifar_lab.bounds import PositiveFloat
from cifar_lab.wording import several

#: How the training images of an epoch are drawn: each once, or every class equally often.
Sampling = Literal["shuffled", "balanced"]
#: One number for each class, or those that make all classes count alike.
ClassWeights = tuple[PositiveFloat, ...] | Literal["balanced"] | None
#: Keys that the lab reads in every node of a group, with their annotations.
READ: dict[str, dict[str, Any]] = {
    "dataset": {"sampling": Sampling},
    "criterion": {"class_weights": ClassWeights},
}
#: What a schedule may ask for; all of it is known before a run.
RUN_LENGTH = frozenset({"total_steps", "steps_per_epoch", "epochs"})
#: torch's schedulers that count updates rather than epochs.
PER_STEP = ("OneCycleLR", "CyclicLR")
#: Whatever cannot be used, by its name, with the reason and what to do.
REFUSED = {
    "optimizer": {
        "SparseAdam": "updates sparse gradients only, which no layer here has; use Adam",
    },
    "scheduler": {
        "LambdaLR": "needs a function, which a YAML file cannot hold; name the function itself: "
        "_target_: my_schedule.rate, with def rate(step, steps, …) -> float",
        "MultiplicativeLR": "needs a function, which a YAML file cannot hold; name a function that "
        "returns the learning rate: _target_: my_schedule.rate, with def rate(step, steps, …)",
        "ReduceLROnPlateau": "depends on validation results, but the learning rates of a run are "
        "planned before it starts; use scheduler=multistep, or "
        "trainer.early_stopping_patience to stop",
        "PlateauLRScheduler": "depends on validation results, but the learning rates of a run are "
        "planned before it starts; use scheduler=multistep",
        "SequentialLR": "is made of other schedulers, which need an optimizer of their own; write "
        "a function of the step: _target_: my_schedule.rate, with def rate(step, steps, …)",
        "ChainedScheduler": "is made of other schedulers, which need an optimizer of their own; "
        "write a function of the step: _target_: my_schedule.rate, with def rate(step, steps, …)",
    },
}
CLOSURE = (
    "its step needs a closure that computes the loss again, but a training step computes it once; "
    "choose another, e.g. AdamW"
)
NO_MODEL = (
    "takes no argument model; an optimizer is a class derived from torch.optim.Optimizer, or a "
    "function of (model, lr, …) that returns one"
)
NO_LENGTH = (
    "takes neither step nor the run's length; a schedule is a function of (step, steps, …) that "
    "returns the learning rate, or takes epochs and steps_per_epoch"
)
OF_IMAGE = (
    "is a function of an image, but a step is a class; derive one from "
    "albumentations.ImageOnlyTransform, with apply(self, img, **params) from and to uint8 "
    "(height, width, 3)"
)


@dataclass(frozen=True)
class Contract:
    """How the lab calls something.

    Attributes:
        supplied: arguments that the lab supplies; the YAML may not give them.
        unless_given: arguments that the lab supplies unless the YAML gives them.
        read: keys of the node that the lab itself reads, with their annotations.
        required: keys that the YAML must give although the call does not need them.
        refused: why it cannot be used, and what to do; None if it can.
    """

    supplied: frozenset[str] = frozenset()
    unless_given: frozenset[str] = frozenset()
    read: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    refused: str | None = None

    def supplies(self, parameters: Sequence[str]) -> str:
        """End a message: what the lab supplies of these parameters; empty if nothing."""
        named = [n for n in parameters if n in self.supplied | self.unless_given]
        return f"; the lab supplies {several(named)}" if named else ""


def contract(group: str, target: Any, supplied: set[str]) -> Contract:
    """Return how the lab calls the target of a group's node.

    Args:
        group: the group's name, or the key of an augmentation step.
        target: the class or function that the node names.
        supplied: what the lab supplies to the group's targets otherwise.
    """
    name = getattr(target, "__name__", "")
    refused = REFUSED.get(group, {}).get(name)
    if refused is not None and not _is_own(target):
        return Contract(refused=refused)
    if group.startswith("augmentation.") and _is_of_image(target):
        return Contract(refused=OF_IMAGE)
    if group == "optimizer" and is_optimizer(target):
        return _of_optimizer(target)
    if group == "scheduler" and is_torch_scheduler(target):
        every = {"every": Literal["step", "epoch"]}
        more = RUN_LENGTH | {"T_max", "cycle_momentum"}
        return Contract(frozenset({"optimizer", "last_epoch"}), more, every)
    if group == "scheduler" and is_timm_scheduler(target):
        return Contract(frozenset({"optimizer"}), frozenset({"t_initial"}))
    if group == "scheduler" and is_rate(target):
        return Contract(frozenset({"step", "steps", *RUN_LENGTH}), frozenset({"lr"}))
    return Contract(frozenset(supplied), read=READ.get(group, {}), refused=_lacking(group, target))


def is_optimizer(target: Any) -> bool:
    """Whether it is an optimizer's class as torch defines it, over parameter groups."""
    if not isinstance(target, type):
        return False
    from torch.optim import Optimizer

    return issubclass(target, Optimizer) and "model" not in parameters_of(target)


def is_torch_scheduler(target: Any) -> bool:
    """Whether it is a class of learning-rate schedulers as torch defines it."""
    if not isinstance(target, type):
        return False
    from torch.optim.lr_scheduler import LRScheduler

    return issubclass(target, LRScheduler)


def is_timm_scheduler(target: Any) -> bool:
    """Whether it is a class of learning-rate schedulers as timm defines it."""
    if not isinstance(target, type) or not any(c.__module__[:5] == "timm." for c in target.__mro__):
        return False
    from timm.scheduler.scheduler import Scheduler  # importing it takes seconds

    return issubclass(target, Scheduler)


def is_rate(target: Any) -> bool:
    """Whether it is a function of the step that returns the learning rate."""
    return isinstance(target, FunctionType) and "step" in parameters_of(target)


def _lacking(group: str, target: Any) -> str | None:
    """Return what an optimizer's or a schedule's target should take; None if it takes it."""
    takes = parameters_of(target)
    if any(p.kind is p.VAR_KEYWORD for p in takes.values()):
        return None
    if group == "optimizer" and "model" not in takes:
        return NO_MODEL
    if group == "scheduler" and not {"epochs", "steps_per_epoch"} <= set(takes):
        return NO_LENGTH
    return None


def _is_of_image(target: Any) -> bool:
    first = next(iter(parameters_of(target)), "")
    return isinstance(target, FunctionType) and first in ("image", "img", "images", "pic", "x")


def parameters_of(target: Any) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a class or function; none if they cannot be known."""
    try:
        return inspect.signature(target).parameters
    except (TypeError, ValueError):
        return {}


def _of_optimizer(kind: Any) -> Contract:
    closure = parameters_of(kind.step).get("closure")
    needs_closure = closure is not None and closure.default is inspect.Parameter.empty
    return Contract(
        supplied=frozenset({"params", "fused", "capturable"}),
        read={"decay_norms_and_biases": bool},
        required=frozenset({"lr"} & set(parameters_of(kind))),
        refused=CLOSURE if needs_closure else None,
    )


def _is_own(target: Any) -> bool:
    return str(getattr(target, "__module__", "")).split(".")[0] not in ("torch", "timm")
