"""Chooses runs by ``KEY=VALUE``: their state, a tag, a key of their configuration, or a group."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from cifar_lab.nodes import type_name
from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.results.listing import Row
from cifar_lab.run.record import Run

STATES = ("running", "done", "failed", "interrupted", "died")
#: Keys of filters that are not keys of a configuration.
OF_A_RUN = ("state", "tag")

_MISSING = object()


class Filter(NamedTuple):
    """A key and the value that it must have, as they were typed."""

    key: str
    value: str

    @classmethod
    def parsed(cls, word: str) -> Filter:
        """Split ``KEY=VALUE`` at the first ``=``."""
        key, _, value = word.partition("=")
        return cls(key, value)

    @classmethod
    def of(cls, key: str, value: Any) -> Filter:
        """Return the filter for a plain value, as it would be typed."""
        return cls(key, value if isinstance(value, str) else json.dumps(value))

    def fits(self, run: Run, row: Row) -> bool:
        """Whether a run has the value.

        A group has an option, such as ``model=resnet18``, and a type, such as ``model=ResNet18``.
        Of a run whose options were not kept, the type may be spelled like an option.

        Raises:
            Refusal: its configuration is damaged.
        """
        if self.key == "state":
            return row.state == self.value
        if self.key == "tag":
            return self.value in row.tags
        # Groups have no dot in their names. Options first: a configuration takes longer to load.
        options = {} if "." in self.key else run.choices
        if self.key in options and _is(options[self.key], self.value):
            return True
        value = _value(run.config, self.key)
        if value is not _MISSING and not isinstance(value, dict):
            return _is(value, self.value)
        name = _type(value)
        if self.key in options or name is None:
            return self.value == name
        return _loosely(self.value) == _loosely(name)


def setting(run: Run, key: str) -> Any:
    """Return a value of a run's configuration; of a group, its option or else its type.

    Args:
        run: any run.
        key: dotted.

    Returns:
        A plain value; None if the configuration does not have the key.

    Raises:
        Refusal: its configuration is damaged.
    """
    value = _value(run.config, key)
    if value is not _MISSING and not isinstance(value, dict):
        return value
    return run.choices[key] if key in run.choices else _type(value)


def refuse_unknown(filters: Sequence[Filter], runs: Sequence[Run]) -> None:
    """Refuse filters that no run could ever fit.

    Raises:
        Refusal: a state does not exist, or no run has the key; says what is allowed.
    """
    problems = [
        f"state={each.value}: there is no such state; the states are: {', '.join(STATES)}"
        for each in filters
        if each.key == "state" and each.value not in STATES
    ]
    keys = [each.key for each in filters if each.key not in OF_A_RUN]
    problems += [
        f"{key}: no run has such a key with a single value; a filter is state=, tag=, or a group "
        f"or key of the configuration, e.g. model=resnet18 or optimizer.lr=0.1{hint}"
        for key, hint in unknown_keys(keys, runs).items()
    ]
    if problems:
        raise Refusal(problems)


def unknown_keys(keys: Sequence[str], runs: Sequence[Run]) -> dict[str, str]:
    """Return the keys that are in no run's configuration, and a hint at what was meant.

    Runs with damaged files are passed over; without any other run, every key may exist.
    """
    missing, known = list(dict.fromkeys(keys)), set[str]()
    for run in runs:
        if not missing:
            break
        with contextlib.suppress(Refusal):
            missing = [key for key in missing if not _has(run, key)]
            if missing and not known:
                known = {*_keys(run.config), *run.choices}
    return {key: did_you_mean(key, known) for key in missing if known}


def whole_key(key: str, runs: Sequence[Run]) -> str:
    """Return the dotted key that a key stands for: itself, or the only one that ends in it.

    ``lr`` is ``optimizer.lr`` if no other key of any run ends in ``.lr``.

    Raises:
        Refusal: no run has such a key, or several keys end in it.
    """
    unknown = unknown_keys([key], runs)
    if not unknown:
        return key
    known: dict[str, None] = {}
    for run in runs:
        with contextlib.suppress(Refusal):
            known.update(dict.fromkeys(_keys(run.config)))
    ending = [each for each in known if each.endswith(f".{key}")]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise Refusal(f"{key}: several keys end in it: {', '.join(ending)}; write one of them")
    raise Refusal(
        f"{key}: no run has such a key with a single value; a key is that of a group or of the "
        f"configuration, e.g. model or optimizer.lr{unknown[key]}"
    )


def _has(run: Run, key: str) -> bool:
    value = _value(run.config, key)
    is_plain = value is not _MISSING and not isinstance(value, dict)
    return is_plain or _type(value) is not None or key in run.choices


def _value(config: dict[str, Any], key: str) -> Any:
    """Return the value of a dotted key, or ``_MISSING``."""
    value: Any = config
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return _MISSING
        value = value[part]
    return value


def _type(value: Any) -> str | None:
    """Return the name of a node's type; None if it is not a node."""
    return type_name(value) if isinstance(value, dict) and "_target_" in value else None


def _keys(node: dict[str, Any], before: str = "") -> list[str]:
    """Return the dotted keys of all plain values."""
    keys = []
    for key, value in node.items():
        keys += _keys(value, f"{before}{key}.") if isinstance(value, dict) else [before + str(key)]
    return keys


def _is(value: Any, word: str) -> bool:
    """Whether a word is the value as somebody would type it: ``0.10``, ``true``, ``[4,4]``."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(word) == value
        except ValueError:
            return False
    spelled = re.sub(r"\s", "", word)
    return spelled in {re.sub(r"\s", "", text) for text in (str(value), json.dumps(value))}


def _loosely(name: str) -> str:
    return re.sub(r"[_\W]", "", name).lower()
