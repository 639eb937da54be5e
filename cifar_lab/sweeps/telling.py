"""Says what a sweep will do, and how it ended."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from pathlib import Path

from cifar_lab.own_code import beside
from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import Plan
from cifar_lab.results.rows import read_rows
from cifar_lab.results.trials import best, trials
from cifar_lab.run.changes import changes, say
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import duration, plural, shortened

log = logging.getLogger("cifar_lab")

#: Most values of a key that are listed.
LISTED = 12


def tell_plan(folder: SweepFolder, plan: Plan) -> None:
    """Log the number of jobs, what differs, how long they will take, and where they are written."""
    configurations = len(plan.configurations)
    seeds = len({job.seed for job in plan.jobs})
    log.info(
        f"{plan.kind}: {plural(len(plan.jobs), 'job', 'jobs')}, "
        f"{plural(configurations, 'configuration', 'configurations')} with "
        f"{plural(seeds, 'seed', 'seeds')}"
    )
    for key in plan.keys:
        values = list(dict.fromkeys(job.values[key] for job in plan.jobs if key in job.values))
        more = f", … ({len(values)} in all)" if len(values) > LISTED else ""
        log.info(f"  {key}: {shortened(', '.join(values[:LISTED]), 200)}{more}")
    log.info(f"  {how_run(plan)}")
    log.info(f"  time: {time_of(plan)}")
    log.info(f"  test set: {plan.test}, as {plan.test_because}")
    log.info(f"  folder: {folder.path}")


def tell_search(folder: SweepFolder, plan: Plan, corners: Plan) -> None:
    """Log what a search chooses from and how, how long it will take, and where it is written.

    Args:
        folder: where it is to be.
        plan: its plan.
        corners: a plan of jobs at the corners of its space, some of them timed.
    """
    assert plan.search is not None, "the plan of a search"
    options = plan.search.options
    log.info(
        f"search: {plural(options.trials, 'trial', 'trials')} for the best {plan.objective}, "
        f"chosen by {options.sampler} ({plan.search.library}, seed {options.seed})"
    )
    for key, text in plan.search.space.items():
        log.info(f"  {key}: {shortened(text, 200)}")
    log.info(f"  {how_run(plan)}")
    log.info(f"  time: {time_of(corners, options.trials)}")
    log.info(f"  test set: {plan.test}, as {plan.test_because}")
    log.info(f"  folder: {folder.path}")


def tell_found(folder: SweepFolder, plan: Plan) -> None:
    """Log how a search ended: what failed, what is left, and the best trial."""
    assert plan.search is not None, "the plan of a search"
    found = trials(plan, read_rows(folder))
    states = Counter(each.state for each in found)
    log.info(
        "search: "
        + ", ".join(f"{states[state]} {state}" for state in ("done", "pruned", "failed"))
        + f" of {plural(plan.search.options.trials, 'trial', 'trials')}"
    )
    top = best(found, plan.objective)
    if top is not None and top.job is not None:
        log.info(f"best: trial {top.number}, {top.job.name}, {plan.objective} {top.value:.4g}")
    tell_end(folder, plan)
    if len(found) < plan.search.options.trials and not states["running"]:
        left = plan.search.options.trials - len(found)
        log.info(
            f"{plural(left, 'trial is', 'trials are')} left; continue with "
            f"`cifar-lab resume {folder.path}`"
        )


def tell_changed_code(folder: SweepFolder, plan: Plan) -> None:
    """Log what has changed of the user's own Python files since the first jobs of a sweep ran."""
    own = beside(plan.config_dir, Path(plan.working_directory or "."))
    lines: dict[str, None] = {}
    for job in plan.jobs:
        with contextlib.suppress(Refusal):  # a damaged job is told when it is read
            lines |= dict.fromkeys(changes(Run(folder.job(job.name)).code, own, "earlier jobs"))
    say(list(lines), "the jobs that are left use the files as they are now")


def how_run(plan: Plan) -> str:
    """How the jobs run: one after another or together, and with how many threads."""
    threads = plural(plan.threads, "thread", "threads")
    if plan.workers == 1:
        return f"one job after another, with {threads}"
    if plan.workers is None:
        return f"as many jobs at once as hydra/launcher={plan.launcher} starts, with {threads} each"
    return f"{plan.workers} jobs at once (hydra/launcher={plan.launcher}), with {threads} each"


def time_of(plan: Plan, count: int | None = None) -> str:
    """How long the sweep is expected to take.

    Args:
        plan: has jobs that were timed.
        count: number of jobs; None for those of the plan.
    """
    known = [job.seconds for job in plan.jobs if job.seconds is not None]
    if not known:
        return "not estimated"
    seconds = sum(known) / len(known) * (count or len(plan.jobs)) / (plan.workers or 1)
    guessed = len(plan.jobs) - len(known)
    rest = f"; {guessed} of the jobs were not timed and count as the others" if guessed else ""
    return f"about {duration(seconds)} of training, by a timed batch of each choice{rest}"


def tell_end(folder: SweepFolder, plan: Plan) -> None:
    """Log which jobs failed and why, and where the leaderboard is."""
    rows = read_rows(folder)
    for job in plan.jobs:
        row = rows.get(job.number)
        if row is not None and row.state == "failed":
            log.info(f"failed: {job.name}: {shortened(row.error or '', 200)}")
    left = [
        job
        for job in plan.jobs
        if job.number not in rows or rows[job.number].state not in ("done", "failed")
    ]
    if left:
        log.info(
            f"{plural(len(left), 'job is', 'jobs are')} left; continue with "
            f"`cifar-lab resume {folder.path}`"
        )
    log.info(f"leaderboard: {folder.leaderboard_markdown}; page: {folder.page}")
