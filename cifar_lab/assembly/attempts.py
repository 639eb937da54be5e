"""Builds each part once and reports every problem found on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.errors import InstantiationException

from cifar_lab.engine.seeding import random_states, restore_random_states, same_random_states
from cifar_lab.refusal import Refusal

#: What building a part raises for an invalid configuration.
REFUSED = (InstantiationException, ValueError, TypeError, Warning)


class Attempts:
    """Collects parts and problems; skips parts whose dependencies failed.

    Args:
        tried: earlier results to reuse.
        wrong: names that are already known to be wrong.

    Attributes:
        parts: the built parts by name.
        problems: one sentence per problem.
    """

    def __init__(self, tried: Tried, wrong: set[str]) -> None:
        self.parts: dict[str, Any] = {}
        self.problems: list[str] = []
        self._tried = tried
        self._wrong = wrong

    def __call__(
        self,
        name: str,
        make: Callable[..., Any],
        inputs: Callable[[], Sequence[Any]],
        needs: tuple[str, ...] = (),
    ) -> Any:
        """Build a part, or reuse an earlier one built from equal inputs; None if that fails.

        Args:
            name: the part's name.
            make: builds the part from the inputs, and from nothing else that may vary.
            inputs: returns the inputs; called only if everything in ``needs`` was built.
            needs: names of the parts that the inputs come from.
        """
        if self._wrong & {name, *needs}:
            self._wrong.add(name)
            return None
        try:
            outcome = self._tried.outcome(name, make, inputs())
        except REFUSED as error:
            outcome = _Outcome(None, _problems_of(name, error))
        if outcome.problems:
            self._wrong.add(name)
            self.problems += outcome.problems
        else:
            self.parts[name] = outcome.part
        return outcome.part


class Tried:
    """Caches the parts built for one or more configurations, so that none is built twice.

    Reusing a part leaves the random states as building it again would: a part that drew random
    numbers is reused only if it would draw the same numbers now.
    """

    def __init__(self) -> None:
        self._trials: dict[str, list[_Trial]] = {}

    def outcome(self, name: str, make: Callable[..., Any], inputs: Sequence[Any]) -> _Outcome:
        """Return the part or its problems, from the cache if possible."""
        before, trials = random_states(), self._trials.setdefault(name, [])
        key = tuple(_cache_key(value) for value in inputs)
        for trial in trials:
            if trial.key == key and trial.would_draw_the_same(before):
                if trial.drew:
                    restore_random_states(trial.after)
                return trial.outcome
        try:
            outcome = _Outcome(make(*inputs), [])
        except REFUSED as error:
            outcome = _Outcome(None, _problems_of(name, error))
        trials.append(_Trial(key, outcome, before, random_states()))
        return outcome


@dataclass(frozen=True)
class _Outcome:
    part: Any
    problems: list[str]


@dataclass(frozen=True)
class _Trial:
    key: tuple[Any, ...]
    outcome: _Outcome
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def drew(self) -> bool:
        """Whether building the part may have changed the random states.

        If it was the first to use a CUDA device, what it drew there is unknown.
        """
        first_use = len(self.before["cuda"]) < len(self.after["cuda"])
        return first_use or not same_random_states(self.before, self.after)

    def would_draw_the_same(self, now: dict[str, Any]) -> bool:
        return not self.drew or same_random_states(self.before, now)


def _cache_key(value: Any) -> Any:
    """Return a node as JSON text: a copy in which key order matters and 1 differs from 1.0."""
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _problems_of(name: str, error: Exception) -> list[str]:
    if isinstance(error, Refusal):
        problems = list(error.problems)
    elif isinstance(error, InstantiationException):
        problems = [f"{name}: {error.__cause__ or error}"]
    else:
        problems = [f"{name}: {error}"]
    return [" ".join(problem.split()) for problem in problems]
