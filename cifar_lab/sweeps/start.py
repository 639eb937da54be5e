"""Starts a sweep: plans it, says what it will do, and runs it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.plugins import Plugins
from omegaconf import DictConfig

from cifar_lab.config.compose import CONFIG_NAME, Composer
from cifar_lab.config.overrides import refuse_too_many
from cifar_lab.config.space import Request
from cifar_lab.results.findings import mean_sd_n, optimism_of
from cifar_lab.results.leaderboard import leaderboard
from cifar_lab.results.plan import Asked, read_plan
from cifar_lab.run.find import point_latest
from cifar_lab.run.folder import OUTPUTS
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.sweeps.ablation import Ablation, ablated
from cifar_lab.sweeps.confirming import Confirmation, confirmed
from cifar_lab.sweeps.drafts import drafted, for_hydra, master, with_params
from cifar_lab.sweeps.ended import Outcome
from cifar_lab.sweeps.extending import changes_since, extend
from cifar_lab.sweeps.foreign import sweep_by
from cifar_lab.sweeps.going_on import run_left, same_sweep
from cifar_lab.sweeps.page import redraw
from cifar_lab.sweeps.planning import Prepared, prepared
from cifar_lab.sweeps.search import run_search
from cifar_lab.sweeps.search_plan import planned_search, same_search
from cifar_lab.sweeps.telling import tell_plan, tell_search
from cifar_lab.sweeps.trusted import keep_plan
from cifar_lab.wording import plural
from hydra_plugins.cifar_lab_sweeper import LabSweeper, SearchSweeper

log = logging.getLogger("cifar_lab")

#: The ``_target_`` of ``hydra.sweeper`` that are the lab's own.
SWEEPER, SEARCHER = (f"{c.__module__}.{c.__qualname__}" for c in (LabSweeper, SearchSweeper))
#: Chooses the second one.
SEARCHES = "hydra/sweeper=search"


@dataclass(frozen=True)
class Start:
    """How a sweep is to be started.

    Attributes:
        request: what it was asked for.
        command: starts it anew.
        dry_run: whether to stop after the plan was printed.
        timing: whether to time batches for it.
    """

    request: Request
    command: str
    dry_run: bool = False
    timing: bool = True


def start(composer: Composer, asked: Start) -> Outcome:
    """Plan and run a sweep by the sweeper that the configuration names.

    Raises:
        Refusal: with the problems of all jobs; nothing was written.
        Interrupted: it was asked to stop; the jobs that ran have saved.
    """
    refuse_too_many([*asked.request.overrides, *asked.request.sets])
    # An editable install hides the plugin from Hydra's scan.
    Plugins.instance().register(LabSweeper)
    Plugins.instance().register(SearchSweeper)
    config = master(composer, asked.request)
    sweeper = None if config is None else config.hydra.sweeper.get("_target_")
    if config is not None and sweeper not in (SWEEPER, SEARCHER):
        return sweep_by(composer, asked.request, str(config.sweep.objective))
    if sweeper == SEARCHER or (config is None and SEARCHES in asked.request.overrides):
        return _search(composer, asked, config)
    return _told_and_run(composer, planned(composer, asked), asked.request, asked.dry_run)


def planned(composer: Composer, asked: Start) -> Prepared:
    """Plan a sweep of combinations of values.

    Raises:
        Refusal: with the problems of all jobs.
    """
    request = with_params(composer, asked.request)
    return prepared(
        composer,
        drafted(composer, request),
        kind="sweep",
        asked=Asked(request.overrides, request.sets, request.excluded),
        command=asked.command,
        timing=asked.timing,
    )


def start_ablation(
    composer: Composer, asked: Ablation, command: str, dry_run: bool, timing: bool
) -> Outcome:
    """Plan and run an ablation; raises like :func:`start`."""
    Plugins.instance().register(LabSweeper)
    plan = prepared(
        composer,
        ablated(composer, asked),
        kind="ablation",
        asked=Asked(asked.overrides, asked.without, ()),
        command=command,
        timing=timing,
    )
    return _told_and_run(composer, plan, Request(asked.overrides), dry_run)


def start_confirmation(folder: SweepFolder, asked: Confirmation, command: str) -> Outcome:
    """Plan a confirmation of a sweep and run it; the sweep's own page then shows it."""
    place = confirmed(folder, asked, command)
    plan = read_plan(place)
    tell_plan(place, plan)
    outcome = run_left(place, plan)
    redraw(folder)
    for entry in leaderboard(place).entries:
        log.info(f"{entry.name}: test {mean_sd_n(entry.test)}" if entry.test else entry.name)
    for sentence in optimism_of(leaderboard(folder)):
        log.info(sentence)
    return outcome


def go_on(composer: Composer, folder: SweepFolder) -> Outcome:
    """Go on with a sweep as it was planned, and say what has changed since."""
    plan = read_plan(folder)
    if plan.kind == "search":
        return run_search(composer, folder, plan)
    left = [job for job in plan.jobs if Run(folder.job(job.name)).state != "done"]
    changed = (
        [] if plan.kind == "confirmation" else changes_since(composer, folder, left, plan.keys)
    )
    if changed:
        log.info(
            f"the configuration has changed since the sweep was planned ({'; '.join(changed)}); "
            "its jobs stay as they were planned"
        )
    return run_left(folder, plan)


def go_on_with(composer: Composer, folder: SweepFolder, overrides: Sequence[str]) -> Outcome:
    """Add jobs to a sweep and run what is left."""
    before = len(read_plan(folder).jobs)
    plan = extend(composer, folder, overrides)
    log.info(f"{plural(len(plan.jobs) - before, 'job', 'jobs')} added to the {before} there were")
    return run_left(folder, plan)


def _search(composer: Composer, asked: Start, config: DictConfig | None) -> Outcome:
    request = asked.request
    plan, corners = planned_search(
        composer,
        with_params(composer, request),
        config,
        asked=Asked(request.overrides, request.sets, request.excluded),
        command=asked.command,
        timing=asked.timing,
    )
    tell_search(plan.folder, plan.plan, corners.plan)
    return Outcome(None) if asked.dry_run else _run(composer, plan, request)


def _told_and_run(composer: Composer, plan: Prepared, request: Request, dry_run: bool) -> Outcome:
    tell_plan(plan.folder, plan.plan)
    return Outcome(None) if dry_run else _run(composer, plan, request)


def _run(composer: Composer, plan: Prepared, request: Request) -> Outcome:
    task = Sweeping(composer, plan)
    # Hydra calls the sweeper, with its callbacks around it.
    words = for_hydra(request)
    composer.hydra.multirun(CONFIG_NAME, task, words, with_log_configuration=False)  # type: ignore[arg-type]
    assert task.outcome is not None
    return task.outcome


class Sweeping:
    """What Hydra hands to the sweeper as its task.

    Args:
        composer: composes the trials of a search.
        plan: what to run.
    """

    def __init__(self, composer: Composer, plan: Prepared) -> None:
        self._composer, self._plan = composer, plan
        self.outcome: Outcome | None = None

    def sweep(self) -> None:
        """Write the plan and run it; or go on with the same sweep, if its folder was given."""
        folder, plan = self._plan.folder, self._plan.plan
        searches = plan.kind == "search"
        if not folder.exists():
            folder.path.mkdir(parents=True, exist_ok=True)
            keep_plan(folder, plan, self._plan.frozen, self._plan.hydra)
        elif searches:
            plan = same_search(folder, self._plan)
        else:
            plan = same_sweep(folder, self._plan)
        if OUTPUTS.resolve() in folder.path.resolve().parents:
            point_latest(OUTPUTS, folder.path)
        if searches:
            self.outcome = run_search(self._composer, folder, plan)
        else:
            self.outcome = run_left(folder, plan)
