"""Building parts so that each is built once, and everything that is wrong with them is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.errors import InstantiationException

from cifar_lab.engine.seeding import random_states, restore_random_states, same_random_states
from cifar_lab.refusal import Refusal

#: What building a part raises for a configuration that it cannot use.
REFUSED = (InstantiationException, ValueError, TypeError, Warning)


class Attempts:
    """Collects parts and problems; a part whose needs are wrong is not attempted.

    Args:
        tried: what was built before, and is used again.
        wrong: names that are known to be wrong already.

    Attributes:
        parts: by name.
        problems: a sentence for each mistake.
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
        """What ``make`` gives, or gave before, of its inputs; None where something is wrong.

        Args:
            name: of the part.
            make: builds it from the inputs, and from nothing else that may differ.
            inputs: tells them; asked only where all that is needed is there.
            needs: names of what they come from.
        """
        if self._wrong & {name, *needs}:
            self._wrong.add(name)
            return None
        try:
            outcome = self._tried.outcome(name, make, inputs())
        except REFUSED as error:
            outcome = _Outcome(None, _told(name, error))
        if outcome.problems:
            self._wrong.add(name)
            self.problems += outcome.problems
        else:
            self.parts[name] = outcome.part
        return outcome.part


class Tried:
    """What was tried of one configuration or of several, so that nothing is tried twice.

    Whatever is drawn from the random states afterwards is what would have been drawn if the part
    had been built again: a part counts as another where it drew, and would draw other numbers now.
    """

    def __init__(self) -> None:
        self._trials: dict[str, list[_Trial]] = {}

    def outcome(self, name: str, make: Callable[..., Any], inputs: Sequence[Any]) -> _Outcome:
        """The part, or what is wrong with it."""
        before, trials = random_states(), self._trials.setdefault(name, [])
        key = tuple(_as_written(value) for value in inputs)
        for trial in trials:
            if trial.key == key and trial.would_draw_alike(before):
                if trial.drew:
                    restore_random_states(trial.after)
                return trial.outcome
        try:
            outcome = _Outcome(make(*inputs), [])
        except REFUSED as error:
            outcome = _Outcome(None, _told(name, error))
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
        """Whether building it may have changed the random states.

        What was drawn on a CUDA device that it was the first to use cannot be told.
        """
        first_use = len(self.before["cuda"]) < len(self.after["cuda"])
        return first_use or not same_random_states(self.before, self.after)

    def would_draw_alike(self, now: dict[str, Any]) -> bool:
        return not self.drew or same_random_states(self.before, now)


def _as_written(value: Any) -> Any:
    """A configuration node as text: a copy, in which the order of keys counts, and 1 is no 1.0."""
    return json.dumps(value) if isinstance(value, (dict, list)) else value


def _told(name: str, error: Exception) -> list[str]:
    if isinstance(error, Refusal):
        problems = list(error.problems)
    elif isinstance(error, InstantiationException):
        problems = [f"{name}: {error.__cause__ or error}"]
    else:
        problems = [f"{name}: {error}"]
    return [" ".join(problem.split()) for problem in problems]
