"""Adds jobs to a sweep, and tells how the configuration files have changed since it was planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cifar_lab.config.compose import Composer
from cifar_lab.config.differences import differences
from cifar_lab.config.many import ManyPreflights
from cifar_lab.config.resolution import saved_form
from cifar_lab.config.space import SEED, Request, key_of
from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import Asked, Frozen, Job, Plan, read_frozen, read_plan
from cifar_lab.run.older import completed
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.drafts import drafted
from cifar_lab.sweeps.naming import job_names
from cifar_lab.sweeps.planning import CLOSED, Draft, prepared
from cifar_lab.sweeps.trusted import keep_plan


def extend(composer: Composer, folder: SweepFolder, overrides: Sequence[str]) -> Plan:
    """Add the jobs that further values make to the plan of a sweep; runs nothing.

    Args:
        composer: composes the new jobs.
        folder: of the sweep.
        overrides: values to use instead of the sweep's own for these keys.

    Returns:
        The plan with the new jobs at its end.

    Raises:
        Refusal: they have problems, are all in the sweep already, or cannot be compared with its
            jobs, as the configuration has changed since.
    """
    plan = read_plan(folder)
    _refuse_other_kinds(plan, folder, overrides)
    changed = changes_since(composer, folder, plan.jobs[:1], plan.keys)
    if changed:
        raise Refusal(
            f"{folder.path} cannot be extended, as its jobs would now be composed differently "
            f"({'; '.join(changed)}); undo the changes, or start a new sweep"
        )
    # What is added is judged as the rest is, even if the added jobs alone would choose nothing.
    closed = [CLOSED] if plan.test == "closed" else []
    request = _with_values(plan.asked, [*overrides, *closed])
    new = prepared(
        composer,
        drafted(composer, request),
        kind=plan.kind,
        asked=Asked(request.overrides, request.sets, request.excluded),
        command=plan.command,
        timing=False,
    )
    known = {(job.configuration, job.seed) for job in plan.jobs}
    added = [
        (job, frozen)
        for job, frozen in zip(new.plan.jobs, new.frozen, strict=True)
        if (job.configuration, job.seed) not in known
    ]
    if not added:
        raise Refusal(f"{folder.path} has all of these jobs already; give other values")
    keys = [*plan.keys, *new.plan.keys, *map(key_of, overrides)]
    grown = _grown(folder, plan, tuple(dict.fromkeys(keys)), added)
    keep_plan(folder, grown, [frozen for _, frozen in added], None)
    return grown


def changes_since(
    composer: Composer, folder: SweepFolder, jobs: Sequence[Job], keys: Sequence[str]
) -> list[str]:
    """Describe how jobs would be composed differently now than when they were planned."""
    many = ManyPreflights(composer, keys)
    found: dict[str, None] = {}
    for job in jobs:
        now = many(job.overrides)
        if now.problems:
            found.update(dict.fromkeys(now.problems))
            continue
        then = completed(read_frozen(folder, job.number).config)
        for each in differences(saved_form(now.config), then):
            found[f"{each.key}: {each.default}, now {each.value}"] = None
    return list(found)


def _refuse_other_kinds(plan: Plan, folder: SweepFolder, overrides: Sequence[str]) -> None:
    if plan.kind != "sweep":
        raise Refusal(f"{folder.path} holds a {plan.kind}, which cannot be extended; start anew")
    others = [key_of(word) for word in overrides if key_of(word) != SEED]
    if others and not any(key != SEED for key in plan.keys):
        raise Refusal(
            f"{folder.path} has jobs that differ in the seed alone and evaluated the test images; "
            f"compare values of {', '.join(others)} in a new sweep, which keeps them closed"
        )


def _with_values(asked: Asked, overrides: Sequence[str]) -> Request:
    keys = {key_of(word) for word in overrides}
    kept = [word for word in asked.overrides if key_of(word) not in keys]
    return Request((*kept, *overrides), asked.sets, asked.excluded)


def _grown(
    folder: SweepFolder, plan: Plan, keys: tuple[str, ...], added: Sequence[tuple[Job, Frozen]]
) -> Plan:
    """The plan with more jobs; a key that varies only now is filled in for the earlier ones."""
    earlier = [
        replace(job, values=_filled(job, read_frozen(folder, job.number), keys))
        for job in plan.jobs
    ]
    drafts = [Draft(job.overrides, _filled(job, frozen, keys)) for job, frozen in added]
    names = job_names([draft.values for draft in drafts], [job.name for job in plan.jobs])
    later = [
        replace(job, number=len(earlier) + number, name=names[number], values=drafts[number].values)
        for number, (job, _) in enumerate(added)
    ]
    return replace(plan, keys=keys, jobs=(*earlier, *later), extended=plan.extended + 1)


def _filled(job: Job, frozen: Frozen, keys: Sequence[str]) -> dict[str, str]:
    """The text of a job's value for every key that varies in the sweep as it is now."""
    return {key: job.values.get(key, _text(frozen, key)) for key in keys}


def _text(frozen: Frozen, key: str) -> str:
    if key in frozen.choices:
        return str(frozen.choices[key])
    node: Any = frozen.config
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return str(node)
