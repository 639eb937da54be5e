"""``sync``: sends runs that have ended to trackers, from their folders."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from cifar_lab.assembly.hooks import hooks as built
from cifar_lab.config.compose import Composer
from cifar_lab.config.named import hook_problems
from cifar_lab.config.preflight import preflight
from cifar_lab.config.signatures import node_problems
from cifar_lab.own_code import OwnCode
from cifar_lab.refusal import Refusal
from cifar_lab.run.record import Run
from cifar_lab.trackers.facts import State
from cifar_lab.trackers.tracker import Tracker

log = logging.getLogger("cifar_lab")

#: Where the trackers are that a run's own configuration may name.
TRACKERS = "cifar_lab.trackers."


def sync(composer: Composer, runs: Sequence[Run], overrides: Sequence[str]) -> bool:
    """Send runs to the trackers of their configurations, or to others.

    Args:
        composer: composes the others.
        runs: of any version.
        overrides: of the group ``hooks``, to use other trackers; none for each run's own.

    Returns:
        Whether everything was sent.

    Raises:
        Refusal: a run has no trackers, is still running or was never trained, or a tracker cannot
            be used here; with every problem, and before anything is sent.
    """
    problems: list[str] = []
    planned = []
    for run in runs:
        try:
            planned.append((run, _state(run), _trackers(composer, run, overrides)))
        except Refusal as refusal:
            problems += refusal.problems
    if problems:
        raise Refusal(list(dict.fromkeys(problems)))
    sent = [
        _sent(run, state, name, tracker)
        for run, state, trackers in planned
        for name, tracker in trackers.items()
    ]
    return all(sent)


def _state(run: Run) -> State:
    """Return how a run ended; reads what will be sent, so that damage is told here."""
    path, state = run.folder.path, run.state
    if state == "running":
        raise Refusal(f"{path} is still running in another process, which sends it")
    if not run.folder.metrics.is_file():
        raise Refusal(f"{path} has no metrics.csv, so there is nothing to send")
    assert run.metrics
    assert run.config
    if run.finished:
        assert run.summary
    return "failed" if state == "failed" else "done" if state == "done" else "interrupted"


def _trackers(composer: Composer, run: Run, overrides: Sequence[str]) -> dict[str, Tracker]:
    if overrides:
        found = preflight(composer, [f"name={run.config['name']}", *overrides])
        if found.problems:
            raise Refusal(found.problems)
        nodes = found.job()["hooks"]
    else:
        nodes = dict(_own(run.config))
        check = partial(node_problems, supplied=set(), own=OwnCode())
        problems = [problem for _, problem in hook_problems(nodes, check)]
        if problems:
            raise Refusal([f"{run.folder.config}: {problem}" for problem in problems])
    hooks = built({"hooks": nodes})
    trackers = {name: hook for name, hook in hooks.items() if isinstance(hook, Tracker)}
    if not trackers:
        raise Refusal(
            f"{run.folder.path} names no tracker in its configuration; choose one, e.g. "
            f"`cifar-lab sync {run.folder.path} hooks=mlflow`"
        )
    missing = [(name, tracker.missing()) for name, tracker in trackers.items()]
    unmet = [f"hooks.{name}: {problem}" for name, problem in missing if problem is not None]
    if unmet:
        raise Refusal(unmet)
    return trackers


def _own(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the trackers of a configuration; other hooks only look on while a run trains."""
    for name, node in (config.get("hooks") or {}).items():
        if str(node.get("_target_")).startswith(TRACKERS):
            yield name, node


def _sent(run: Run, state: State, name: str, tracker: Tracker) -> bool:
    path = run.folder.path
    sending = tracker.sending(path, name)
    there = sending.end(state)
    if there is None:
        log.error(f"{path} could not be sent to hooks.{name}: {sending.failure()}")
        return False
    log.info(f"{path} was sent to hooks.{name}; {tracker.package} has it as {there}")
    return True
