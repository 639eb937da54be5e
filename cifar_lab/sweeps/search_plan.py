"""Plans a search: checks its options and the corners of its space before the first trial."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cifar_lab.config.compose import Composer
from cifar_lab.config.reasons import CANNOT_COMPOSE, reason
from cifar_lab.config.search_space import SearchSpace, read_search_space
from cifar_lab.config.signatures import argument_problems
from cifar_lab.config.space import Request, key_of
from cifar_lab.contracts import Contract
from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import Asked, Plan, read_plan
from cifar_lab.results.search import Search, SearchOptions
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.extending import changes_since
from cifar_lab.sweeps.planning import CLOSED, Draft, Prepared, prepared
from cifar_lab.sweeps.study import library, opened
from cifar_lab.wording import shortened


def planned_search(
    composer: Composer,
    request: Request,
    config: DictConfig | None,
    *,
    asked: Asked,
    command: str,
    timing: bool,
) -> tuple[Prepared, Prepared]:
    """Plan a search; no trial is chosen yet.

    Args:
        composer: composes the configurations.
        request: what was asked for, with what the experiment itself searches.
        config: what all jobs share, with Hydra's node; None if it could not be composed.
        asked, command, timing: as for :func:`~cifar_lab.sweeps.planning.prepared`.

    Returns:
        The plan, and the corners of the space, which were composed and checked like jobs.

    Raises:
        Refusal: with the problems of the options and the space, or of all corners; nothing was
            written.
    """
    problems: list[str] = []
    options = _options(config, problems)
    space = _space(composer, request, problems)
    if config is not None and OmegaConf.select(config, "dataset.validation_fraction") == 0:
        problems.append(
            "hydra/sweeper=search compares trials by their validation images, but "
            "dataset.validation_fraction=0; set it to e.g. 0.1"
        )
    if problems or space is None:
        raise Refusal(problems)
    drafts = [draft_of(space.constant, values) for values in space.corners()]
    corners = prepared(composer, drafts, kind="search", asked=asked, command=command, timing=timing)
    if options is None:  # the corners would have told, as they share the mistake
        raise Refusal("the configuration of the search could not be composed")
    if options.storage is not None:
        opened(options.storage)
    closed = corners.plan.test == "closed"
    search = Search(
        options=options,
        library=library(),
        constant=(*space.constant, CLOSED) if closed else space.constant,
        space=space.written,
        trials=(),
        jobless=(),
    )
    plan = dataclasses.replace(corners.plan, jobs=(), search=search)
    return dataclasses.replace(corners, plan=plan, frozen=()), corners


def draft_of(constant: Sequence[str], values: Mapping[str, str]) -> Draft:
    """Draft the job of a trial.

    Args:
        constant: overrides of all trials.
        values: the text of what the trial chose, by key, each with its sign.
    """
    words = [f"{key}={text}" for key, text in values.items()]
    return Draft((*constant, *words), {key_of(key): text for key, text in values.items()})


def same_search(folder: SweepFolder, found: Prepared) -> Plan:
    """Return the plan in a folder, if it is that of the same search; it may get more trials.

    Raises:
        Refusal: the folder holds another sweep.
    """
    plan, wanted = read_plan(folder), found.plan.search
    assert wanted is not None, "the plan of a search"
    if plan.search is None or _settings(plan.search) != _settings(wanted):
        raise Refusal(
            f"{folder.path} holds another sweep; leave out hydra.sweep.dir for a new folder, or "
            f"continue it with `cifar-lab resume {folder.path}`"
        )
    count = max(plan.search.options.trials, wanted.options.trials)
    options = dataclasses.replace(plan.search.options, trials=count)
    return dataclasses.replace(plan, search=dataclasses.replace(plan.search, options=options))


def refuse_changed(composer: Composer, folder: SweepFolder, plan: Plan) -> None:
    """Refuse to go on with a search whose later trials could not be compared with earlier ones.

    Raises:
        Refusal: its jobs would now be composed differently.
    """
    changed = changes_since(composer, folder, plan.jobs, plan.keys)
    if changed:
        raise Refusal(
            f"{folder.path} cannot go on, as its trials would now be composed differently "
            f"({shortened('; '.join(changed), 300)}); undo the changes, or start a new search"
        )


def _settings(search: Search) -> tuple[SearchOptions, dict[str, str], list[str]]:
    """What two searches must share to be the same one: all but how many trials they have."""
    constant = [word for word in search.constant if not word.startswith("hydra.")]
    return dataclasses.replace(search.options, trials=1), search.space, constant


def _options(config: DictConfig | None, problems: list[str]) -> SearchOptions | None:
    if config is None:
        return None
    try:
        node: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
    except CANNOT_COMPOSE as error:
        problems.append(f"hydra.sweeper: {reason(error)}")
        return None
    node = {key: value for key, value in node.items() if key not in ("_target_", "params")}
    found = [
        text for _, text in argument_problems("hydra.sweeper", node, SearchOptions, Contract())
    ]
    problems += found
    return None if found else SearchOptions(**node)


def _space(composer: Composer, request: Request, problems: list[str]) -> SearchSpace | None:
    try:
        return read_search_space(composer, request)
    except Refusal as refusal:
        problems += refusal.problems
        return None
