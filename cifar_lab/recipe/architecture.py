"""The network of a run, as a bundle names it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from cifar_lab import models
from cifar_lab.assembly import parts
from cifar_lab.deploy.architecture import ARCHITECTURES, not_plain
from cifar_lab.deploy.bundle import CODE
from cifar_lab.deploy.description import Architecture, Module
from cifar_lab.deploy.imports import imported
from cifar_lab.nodes import without_taken
from cifar_lab.refusal import Refusal
from cifar_lab.run import code as run_code
from cifar_lab.run.copies import copy_of
from cifar_lab.run.record import Run

#: How the lab's own networks are called in configurations.
OURS = f"{models.__name__}."


def architecture_of(run: Run, config: dict[str, Any]) -> tuple[Architecture, tuple[Module, ...]]:
    """Return a run's network with all of its arguments, and the Python files it needs.

    Args:
        run: a finished run.
        config: of the run, checked.

    Raises:
        Refusal: with all that keeps it from being exported.
    """
    node = without_taken("model", config["model"])
    target = str(node["_target_"])
    arguments = {key: value for key, value in node.items() if not key.startswith("_")}
    arguments["num_classes"] = len(run.data.class_names)
    size = parts.size_for(node, run.data.image_size)
    if size is not None:
        arguments["image_size"] = list(size)
    problems = [f"model.{problem}, to be exported" for problem in not_plain(arguments)]
    problems += _without_weights(run)
    name = target.removeprefix(OURS)
    if target.startswith(OURS) and name in ARCHITECTURES:
        modules: tuple[Module, ...] = ()
    elif run.code is not None and target.rpartition(".")[0] in _names(run):
        modules, name = _needed(run, target.rpartition(".")[0]), target
        problems += _without_copy(run, modules)
    else:
        raise Refusal(
            [
                *problems,
                f"model._target_={target} cannot be exported: a bundle names "
                f"{', '.join(ARCHITECTURES)} or a class of your own; use model=timm or "
                "model=torchvision for networks of these libraries",
            ]
        )
    if problems:
        raise Refusal(problems)
    return Architecture(name, arguments, own=bool(modules)), modules


def own_files(run: Run, modules: Sequence[Module]) -> dict[str, bytes]:
    """Return the copies of Python files in a run, by their paths in the bundle."""
    by_name = {} if run.code is None else {each.name: each for each in run.code.modules}
    found = {module.file: copy_of(run, by_name[module.name]) for module in modules}
    return {file: content for file, content in found.items() if content is not None}


def _without_weights(run: Run) -> list[str]:
    file = run.folder.best_checkpoint
    if file.is_file():
        return []
    return [f"{file} is missing: without weights, nothing can be exported; train the run again"]


def _names(run: Run) -> dict[str, run_code.Module]:
    return {} if run.code is None else {module.name: module for module in run.code.modules}


def _needed(run: Run, first: str) -> tuple[Module, ...]:
    """Return a module and those that it imports, of the ones that the run recorded."""
    recorded, waiting, found = _names(run), [first], dict[str, Module]()
    while waiting:
        name = waiting.pop()
        if name in found or name not in recorded:
            continue
        module = recorded[name]
        found[name] = Module(name, f"{CODE}/{module.copy.removeprefix(f'{run_code.COPIES}/')}")
        waiting += _parents(name)
        package = ".".join(PurePath(module.copy).parts[1:-1])  # below the folder of copies
        waiting += imported(copy_of(run, module) or b"", package)
    return tuple(found[name] for name in sorted(found))


def _parents(name: str) -> Iterator[str]:
    """Yield the packages that contain a module."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _without_copy(run: Run, modules: Sequence[Module]) -> list[str]:
    recorded = _names(run)
    return [
        f"{run.folder.path} has no copy of {recorded[each.name].file}, which its network needs; "
        "train it again, or hand on the file with the run"
        for each in modules
        if copy_of(run, recorded[each.name]) is None
    ]
