"""Builds a network by its name; nothing else can be named.

A bundle may be a stranger's: its file names one of these networks and plain arguments, or a class
of the user's own, whose Python file is imported only from a bundle that is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from cifar_lab import targets
from cifar_lab.deploy.description import Architecture
from cifar_lab.own_code import OwnCode
from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.wording import first_sentence

#: Public names of ``cifar_lab.models`` that a bundle may name.
ARCHITECTURES = (
    "CustomResNet",
    "ResNet18",
    "ThreeBlockConvNet",
    "timm_model",
    "torchvision_model",
)
#: Most parts of which an argument may consist.
LARGEST_ARGUMENT = 1000


def built(architecture: Architecture, own: OwnCode = OwnCode()) -> nn.Module:  # noqa: B008
    """Build a network with its initial weights, on the CPU.

    Args:
        architecture: which network it is.
        own: where a class of the user's own may come from.

    Raises:
        Refusal: it is not one that may be named, its arguments are not plain, or it cannot be built
            of them.
    """
    name = architecture.name
    problems = not_plain(architecture.arguments)
    if problems:
        raise Refusal([f"architecture {name}: {problem}" for problem in problems])
    make = _own(name, own) if architecture.own else _listed(name)
    arguments = dict(architecture.arguments)
    if "image_size" in arguments:  # JSON has no tuples
        arguments["image_size"] = tuple(arguments["image_size"])
    try:
        model = make(**arguments)
    except Exception as error:  # what its constructor makes of a stranger's arguments
        raise Refusal(f"architecture {name} could not be built: {first_sentence(error)}") from error
    if not isinstance(model, nn.Module):
        raise Refusal(f"architecture {name} is not an nn.Module, but {type(model).__name__}")
    return model


def not_plain(arguments: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with arguments that may hold numbers, text, lists and nothing else."""
    problems = []
    for key, value in arguments.items():
        if not key.isidentifier() or key.startswith("_"):
            problems.append(f"{key} is not the name of an argument")
        elif not _is_plain(value):
            problems.append(f"{key} must be a number, text, true, false, null or a list of these")
    return problems


def _is_plain(value: Any) -> bool:
    """Whether a value consists of few plain values; looks at lists level by level."""
    waiting, seen = [value], 0
    while waiting:
        each = waiting.pop()
        seen += 1
        if seen > LARGEST_ARGUMENT:
            return False
        if isinstance(each, (list, tuple)):
            waiting += each
        elif not (each is None or isinstance(each, (bool, int, float, str))):
            return False
    return True


def _listed(name: str) -> Any:
    if name not in ARCHITECTURES:
        raise Refusal(
            f"architecture {name}: must be one of {', '.join(ARCHITECTURES)}"
            f"{did_you_mean(name, ARCHITECTURES)}"
        )
    from cifar_lab import models

    return getattr(models, name)


def _own(name: str, own: OwnCode) -> Any:
    if own.file_of(name.rpartition(".")[0]) is None:
        raise Refusal(
            f"architecture {name} is a Python file in the bundle, which is not imported: add "
            "--trust if you trust whoever made the bundle"
        )
    try:
        return targets.located(name, "model", own)
    except Refusal as error:
        raise Refusal(f"architecture {name}: {first_sentence(error)}") from error
    except Exception as error:  # whatever the file raises while it is imported
        told = f"{type(error).__name__}: {first_sentence(error)}"
        raise Refusal(f"architecture {name} could not be imported: {told}") from error
