"""Plans a sweep: composes and checks every job before the first one starts."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from omegaconf import DictConfig, OmegaConf

from cifar_lab import assembly
from cifar_lab.config.compose import Composer, job_part
from cifar_lab.config.differences import differences
from cifar_lab.config.excluded import Excluded
from cifar_lab.config.many import ManyPreflights
from cifar_lab.config.preflight import Preflight
from cifar_lab.config.resolution import as_written, resolved, saved_form
from cifar_lab.config.space import SEED, key_of
from cifar_lab.nodes import NOT_OF_A_RUN
from cifar_lab.recipe.launch import say_replaced
from cifar_lab.recipe.starting import weights_of
from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import Asked, Frozen, Job, Plan
from cifar_lab.results.recorded import experiment_hash
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.naming import job_names
from cifar_lab.sweeps.options import SweepOptions
from cifar_lab.sweeps.timing import expected_seconds

log = logging.getLogger("cifar_lab")

#: Whether a run evaluates the test images.
EVALUATE_TEST = "evaluate_test"
#: What a job of a sweep that keeps the test set closed is told.
CLOSED = f"{EVALUATE_TEST}=false"
#: What a sweep is for.
Kind = Literal["sweep", "ablation", "confirmation", "search"]


@dataclass(frozen=True)
class Draft:
    """A job that is not composed yet: its overrides, and the text of each value that varies."""

    overrides: tuple[str, ...]
    values: dict[str, str]


@dataclass(frozen=True)
class Prepared:
    """A plan that is not written yet.

    Attributes:
        folder: where it is to be.
        plan: the plan.
        frozen: one for each job.
        hydra: Hydra's own node for all jobs, as plain values.
    """

    folder: SweepFolder
    plan: Plan
    frozen: tuple[Frozen, ...]
    hydra: dict[str, Any] = field(repr=False)


def prepared(
    composer: Composer,
    drafts: Sequence[Draft],
    *,
    kind: Kind,
    asked: Asked,
    command: str,
    timing: bool = True,
) -> Prepared:
    """Compose and check all jobs, and plan how to run them.

    Args:
        composer: composes the configurations.
        drafts: the jobs in the order in which they are to start.
        kind: what the sweep is for.
        asked: what the jobs were drafted from.
        command: starts the sweep anew.
        timing: whether to train a few batches, to tell how long the sweep will take.

    Raises:
        Refusal: with the problems of all jobs, each once; nothing was written.
    """
    varied = list(dict.fromkeys(key for draft in drafts for key in draft.values))
    chooses = any(key != SEED for key in varied)
    many = ManyPreflights(composer, [*varied, EVALUATE_TEST])
    first = many(drafts[0].overrides)
    options = _options(first)
    stated = [word for word in drafts[0].overrides if key_of(word) == EVALUATE_TEST]
    closed, because = _test_policy(first, stated, options, kind, chooses)
    if closed and not stated and not first.problems:
        drafts = [_closed(draft) for draft in drafts]
    composed = composed_jobs(many, drafts, Excluded(asked.excluded, composer), assembly.Tried())
    say_replaced(composed.replaced)
    jobs = composed.jobs
    probe = assembly.probe_for(jobs)
    hydra = many.hydra_of(composed.drafts[0].overrides)
    launcher, workers, threads = _machine(hydra)
    seconds = expected_seconds(jobs, composed.tried, probe) if timing else [None] * len(jobs)
    plan = Plan(
        id=secrets.token_hex(16),
        kind=kind,
        name=str(jobs[0]["name"]),
        command=command,
        asked=asked,
        config_dir=None if composer.config_dir is None else os.path.abspath(composer.config_dir),
        working_directory=str(Path.cwd()),
        keys=tuple(varied),
        launcher=launcher,
        workers=workers,
        threads=threads,
        precision_probe=probe,
        objective=options.objective,
        ranked=options.rank and chooses,
        test="closed" if closed else "open",
        test_because=because,
        max_minutes=options.max_minutes,
        stop_on_failure=options.stop_on_failure,
        baseline=experiment_hash(jobs[0]) if kind == "ablation" else None,
        chosen_from=None,
        extended=0,
        jobs=_jobs(composed, seconds),
    )
    folder = SweepFolder(Path(os.path.relpath(str(hydra.sweep.dir))))
    return Prepared(folder, plan, tuple(composed.frozen), _hydra(hydra, folder))


@dataclass
class Composed:
    """Jobs that were composed and checked, without those that would repeat another.

    Attributes:
        tried: parts that were built for them.
        drafts: of the jobs.
        jobs: their configurations as plain values.
        frozen: what is kept of each.
        replaced: files of the user's own that were used instead of packaged ones.
    """

    tried: assembly.Tried
    drafts: list[Draft] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    frozen: list[Frozen] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)


def composed_jobs(
    many: ManyPreflights, drafts: Sequence[Draft], excluded: Excluded, tried: assembly.Tried
) -> Composed:
    """Compose and check jobs.

    Raises:
        Refusal: with the problems of all jobs, each once; or all are left out.
    """
    composed: Composed | None = None
    problems: dict[str, None] = {}
    replaced: dict[str, None] = {}
    seen: set[str] = set()
    defaults: dict[str, Any] = {}
    for draft in drafts:
        found = many(draft.overrides)
        if excluded(found.config):
            continue
        if composed is None:
            composed, defaults = Composed(tried), job_part(found.defaults)
        weights = weights_of(found)
        job = found.job()
        problems.update(dict.fromkeys(found.problems))
        any_seed = {**job, "seed": 0}  # validity does not depend on it
        refused = assembly.problems(any_seed, found.groups, tried, weights)
        problems.update(dict.fromkeys(refused))
        replaced.update(dict.fromkeys(found.replaced))
        same = f"{job.get('seed')} {experiment_hash(job)}" if not problems else ""
        if same and same in seen:
            continue
        seen.add(same)
        composed.drafts.append(draft)
        composed.jobs.append(job)
        composed.frozen.append(_frozen(found, job, draft, defaults))
    if composed is None:
        raise Refusal("--exclude leaves out every combination, so there is no job to run")
    if problems:
        raise Refusal(list(problems))
    for text in excluded.unused():
        log.info(f'--exclude "{text}" leaves nothing out')
    composed.replaced = list(replaced)
    return composed


def _jobs(composed: Composed, seconds: Sequence[float | None]) -> tuple[Job, ...]:
    names = job_names([draft.values for draft in composed.drafts])
    return tuple(
        Job(
            number=number,
            name=names[number],
            overrides=draft.overrides,
            values=draft.values,
            seed=int(composed.jobs[number]["seed"]),
            configuration=experiment_hash(composed.jobs[number]),
            seconds=seconds[number],
        )
        for number, draft in enumerate(composed.drafts)
    )


def _frozen(
    found: Preflight, job: dict[str, Any], draft: Draft, defaults: dict[str, Any]
) -> Frozen:
    keys = [str(key) for key in found.config if key not in NOT_OF_A_RUN]
    return Frozen(
        config=saved_form(found.config, job),
        written={key: as_written(found.config, key) for key in keys},
        choices=OmegaConf.to_container(found.config.hydra.runtime.choices),  # type: ignore[arg-type]
        overrides=draft.overrides,
        differences=tuple(differences(job, defaults)),
        replaced=tuple(found.replaced),
    )


def _options(found: Preflight) -> SweepOptions:
    """The sweep's options; the defaults if they are wrong, which the check of the jobs tells."""
    node = resolved(found.config).values.get("sweep")
    if found.problems or not isinstance(node, dict):
        node = resolved(found.defaults).values["sweep"]
    return SweepOptions(**{key: each for key, each in node.items() if key != "_target_"})


def _test_policy(
    found: Preflight,
    stated: Sequence[str],
    options: SweepOptions,
    kind: Kind,
    chooses: bool,
) -> tuple[bool, str]:
    """Whether the jobs keep the test set closed, and why.

    Args:
        found: the first job.
        stated: its overrides that state it already.
        options: of the sweep.
        kind: what the sweep is for.
        chooses: whether its jobs differ in more than the seed.
    """
    if stated:
        return found.job().get(EVALUATE_TEST) is False, f"{stated[-1]} was given"
    if kind == "confirmation":
        return False, "a confirmation chooses nothing"
    if options.open_test:
        return False, "sweep.open_test=true"
    if not chooses and kind == "sweep":
        return False, "the jobs differ in the seed alone, so nothing is chosen"
    if not options.rank and not (found.job().get("dataset") or {}).get("validation_fraction"):
        return False, "sweep.rank=false, and there are no validation images"
    return True, "configurations are compared by their validation images"


def _closed(draft: Draft) -> Draft:
    return Draft((*draft.overrides, CLOSED), draft.values)


def _machine(hydra: DictConfig) -> tuple[str, int | None, int]:
    """Hydra's launcher, how many jobs it runs at once, and the threads of each."""
    launcher = str(hydra.runtime.choices["hydra/launcher"])
    node, cores = hydra.launcher, torch.get_num_threads()
    if launcher == "basic":
        return launcher, 1, cores
    if launcher == "joblib":
        jobs = int(node.n_jobs)
        workers = max(1, (os.cpu_count() or 1) + 1 + jobs) if jobs < 0 else max(1, jobs)
        return launcher, workers, max(1, cores // workers)
    return launcher, None, int(node.get("cpus_per_task") or 1)


def _hydra(hydra: DictConfig, folder: SweepFolder) -> dict[str, Any]:
    """Hydra's node for the jobs, with the sweep's folder as it is now."""
    plain = OmegaConf.to_container(hydra, resolve=False, enum_to_str=True)
    assert isinstance(plain, dict)
    found = {str(key): each for key, each in plain.items()}
    found["sweep"] = {**found["sweep"], "dir": str(folder.path)}
    found["run"] = {**found["run"], "dir": str(folder.path)}
    found["mode"] = "MULTIRUN"
    return found
