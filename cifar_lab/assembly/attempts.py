"""Builds each part once and reports every problem found on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.errors import InstantiationException

from cifar_lab.assembly.memory import bounded
from cifar_lab.data.arrays import Outline
from cifar_lab.engine.seeding import random_states, restore_random_states, same_random_states
from cifar_lab.refusal import Refusal

#: Keys of the parts that are named for what they do.
KEYS = {
    "place": "device",
    "batch": "trainer.batch_size",
    "weights": "model.weights",
    "length": "trainer",
    "freezing": "trainer.freeze_after_epochs",
    "sizes": "trainer.image_sizes",
    "momentum": "scheduler.cycle_momentum",
    "gradcam_layers": "report.gradcam_layer",
}
#: Of each part, how many of the latest :meth:`Tried.keep` keeps: the images are made in two steps.
KEPT = 2
#: Messages are cut to this many characters.
LONGEST = 300


class Attempts:
    """Collects parts and problems; skips parts whose dependencies failed.

    Args:
        tried: earlier results to reuse.
        wrong: names that are already known to be wrong.

    Attributes:
        parts: the built parts by name.
        problems: one sentence per problem.
        known: what is known about the images, with assumed values for the rest.
    """

    def __init__(self, tried: Tried, wrong: set[str]) -> None:
        self.parts: dict[str, Any] = {}
        self.problems: list[str] = []
        self.known = Outline()
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
        except Exception as error:  # a part that somebody else wrote may raise anything
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

    def keep(self, names: Collection[str]) -> None:
        """Forget all parts but the latest with one of these names."""
        self._trials = {name: self._trials[name][-KEPT:] for name in names if name in self._trials}

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
            with bounded():
                outcome = _Outcome(make(*inputs), [])
        except Exception as error:
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
    else:
        problems = [f"{KEYS.get(name, name)}: {reason(error)}"]
    return [" ".join(problem.split()) for problem in problems]


def reason(error: BaseException) -> str:
    """Tell in one line what an exception says, with its kind where the text alone is unclear."""
    if isinstance(error, InstantiationException):
        error = error.__cause__ or error
    text = " ".join(str(error).split())
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    if isinstance(error, (ValueError, TypeError, Warning, InstantiationException)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
