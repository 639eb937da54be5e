"""Whose sweeps are continued: one's own, or those of somebody who is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cifar_lab.config.compose import Composer
from cifar_lab.own_code import Given
from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import Frozen, Plan, read_plan, write_plan
from cifar_lab.run.files import object_text, read_text
from cifar_lab.run.mine import is_mine, remember
from cifar_lab.run.sweep_folder import SweepFolder


def composer_of(folder: SweepFolder, given: Given) -> Composer:
    """Return what composes further jobs of a sweep.

    Raises:
        Refusal: somebody else made the sweep, and is not trusted.
    """
    plan = refuse_foreign(folder, given)
    return Composer(plan.config_dir if given.config_dir is None else given.config_dir)


def refuse_foreign(folder: SweepFolder, given: Given) -> Plan:
    """Return the plan of a sweep that may be run here.

    A plan names a launcher, which may run commands, and folders whose Python files are imported.

    Raises:
        Refusal: somebody else made the sweep, or changed its plan, and is not trusted.
    """
    plan = read_plan(folder)
    if not (given.trusted or is_mine(plan.id, read_text(folder.plan))):
        raise Refusal(
            f"{folder.plan} was not written by you on this machine, so its jobs are not run; add "
            "--trust if you trust whoever made the sweep"
        )
    return plan


def keep_plan(
    folder: SweepFolder, plan: Plan, frozen: Sequence[Frozen], hydra: dict[str, Any] | None
) -> None:
    """Write a plan and note that it is one's own; the arguments are those of ``write_plan``."""
    # In this order: a plan that is written again and again is one's own at any moment.
    remember(plan.id, object_text(plan))
    write_plan(folder, plan, frozen, hydra)
