"""A run or a bundle that a word names, for the verbs that use its network."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_lab.cli.arguments import named_run
from cifar_lab.own_code import Given
from cifar_lab.refusal import Refusal

if TYPE_CHECKING:
    from cifar_lab.deploy.bundle import Bundle
    from cifar_lab.deploy.classifier import Classifier
    from cifar_lab.precision import Precision
    from cifar_lab.run.record import Run


def named(word: str) -> Run | Bundle:
    """Return the bundle in the folder that a word names, or else the run.

    Raises:
        Refusal: it is neither, or a file of the bundle is not what it was.
    """
    from cifar_lab.deploy.bundle import is_bundle, read_bundle

    path = Path(word)
    return read_bundle(path) if is_bundle(path) else named_run(word)


def classifier_of(
    subject: Run | Bundle,
    given: Given,
    device: str | None = None,
    precision: Precision | None = None,
    threads: int | None = None,
) -> Classifier:
    """Open the network of a run or a bundle, which then computes with as many threads as it did.

    Says so if this machine has fewer cores than that, unless another number is wanted.

    Args:
        subject: as :func:`named` returns it.
        given: whose Python files to use.
        device: to put it on; None for that of the run if this machine has it, else the CPU.
        precision: instead of that in which it was evaluated.
        threads: instead of those of the evaluation.

    Raises:
        Refusal: it cannot be opened.
    """
    from dataclasses import replace

    from cifar_lab.deploy.bundle import Bundle
    from cifar_lab.deploy.opening import open_bundle
    from cifar_lab.recipe.classifying import classifier, device_for
    from cifar_lab.recipe.open import code_of

    if isinstance(subject, Bundle):
        _refuse_files_of_a_run(given)
        found = open_bundle(subject, given.trusted, device_for(None, device))
    else:
        found = classifier(subject, code_of(subject, given), device_for(subject, device))
    _use_threads(found.usage.threads, threads)
    return replace(found, usage=replace(found.usage, precision=precision or found.usage.precision))


def _refuse_files_of_a_run(given: Given) -> None:
    if given.config_dir is not None or given.as_recorded:
        flag = "--as-recorded" if given.config_dir is None else f"--config-dir={given.config_dir}"
        raise Refusal(
            f"{flag} belongs to a run; a bundle has its own Python files, which --trust imports"
        )


def cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _use_threads(evaluated: int, wanted: int | None) -> None:
    """Let torch use as many threads as in the evaluation, but not more than there are cores."""
    import torch

    threads = min(evaluated, cores()) if wanted is None else wanted
    torch.set_num_threads(threads)
    if wanted is None and threads != evaluated:
        print(
            f"note: computing with {threads} of the {evaluated} threads of the evaluation, as "
            "there are no more cores; the last digits of results may differ",
            file=sys.stderr,
        )
