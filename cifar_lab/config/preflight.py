"""Checks all overrides of a command line before anything is built or written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from cifar_lab.config import contradictions, signatures
from cifar_lab.config.compose import Composer
from cifar_lab.config.fitting import all_keys, choice_problem, has_key, key_problem
from cifar_lab.config.folders import folder_problems
from cifar_lab.config.overrides import parsed, refuse_too_many, written
from cifar_lab.config.reasons import CANNOT_COMPOSE, reason
from cifar_lab.config.resolution import Resolved, resolved
from cifar_lab.nodes import HOOKS, OPTIONAL_GROUPS
from cifar_lab.own_code import OwnCode
from cifar_lab.refusal import Refusal
from cifar_lab.wording import shortened


@dataclass
class Preflight:
    """The result of checking overrides.

    Attributes:
        config: composed from the valid overrides; includes Hydra's node.
        defaults: composed without overrides.
        problems: one sentence per problem.
        groups: groups and root keys that have a problem and so cannot be built.
        replaced: files below ``--config-dir`` that replace packaged ones of the same name.
        refused_choices: groups whose chosen option does not exist; the default is used instead.
        values: a configuration that was checked, and its values.
    """

    config: DictConfig
    defaults: DictConfig = field(init=False)
    problems: list[str] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    replaced: list[str] = field(default_factory=list)
    refused_choices: set[str] = field(default_factory=set)
    values: tuple[DictConfig, Resolved] | None = None

    def __post_init__(self) -> None:
        self.defaults = self.config

    def add(self, group: str, problem: str) -> None:
        """Add a problem in a group."""
        if problem not in self.problems:
            self.problems.append(problem)
        self.groups.add(group)

    def job(self) -> dict[str, Any]:
        """Return the job's configuration as plain values.

        None stands where an interpolation could not be resolved, which is one of the problems.
        """
        known = self.values is not None and self.values[0] is self.config
        return (self.values[1] if known and self.values else resolved(self.config)).job


def preflight(composer: Composer, overrides: Sequence[str]) -> Preflight:
    """Check the overrides of one job: syntax, groups, options, keys, types, contradictions.

    Raises:
        Refusal: there are too many overrides to check.
    """
    refuse_too_many(list(overrides))
    found = Preflight(composer.compose([]))
    read = [o for o in (_parsed(text, composer, found) for text in overrides) if o is not None]
    groups = composer.groups()
    known = {*groups, *(o.key_or_group for o in read if composer.is_hydras_group(o.key_or_group))}
    choices = [o for o in read if o.key_or_group in known and o.package is None]
    values = [o for o in read if o not in choices]
    choices = [o for o in choices if _is_choice(o, composer, found)]
    choices = _composed(composer, [], choices, found)
    keys = all_keys(found.config)
    values = [o for o in values if _fits_a_key(o, groups, keys, found)]
    values = _composed(composer, choices, values, found)
    found.replaced = composer.replaced(found.config)
    for name, options in _named_twice(composer, [*choices, *values], found).items():
        found.add(
            HOOKS,
            f"{HOOKS}=[{','.join(options)}]: each of these options names a hook {name}; choose one "
            "of them, or rename the hook in one of the files",
        )
    check_composed(found, composer.own_code())
    unread = tuple(
        f"{key} must be set" for key in _keys_of(overrides) - {o.key_or_group for o in read}
    )
    found.problems = [problem for problem in found.problems if not problem.startswith(unread)]
    return found


def _named_twice(
    composer: Composer, overrides: Sequence[Override], found: Preflight
) -> dict[str, list[str]]:
    """Return, by name of a hook, the options that all name it, which composing would merge."""
    if not found.config.get(HOOKS):
        return {}
    options = composer.chosen(HOOKS, [str(o.input_line) for o in overrides])
    named: dict[str, list[str]] = {}
    for option in options if len(options) > 1 else []:
        for name in composer.compose([f"{HOOKS}={option}"]).get(HOOKS) or {}:
            named.setdefault(str(name), []).append(option)
    return {name: options for name, options in named.items() if len(options) > 1}


def _keys_of(overrides: Sequence[str]) -> set[str]:
    return {text.partition("=")[0].strip() for text in overrides}


def _parsed(text: str, composer: Composer, found: Preflight) -> Override | None:
    try:
        override = parsed(text, composer.loader)
    except Refusal as refusal:
        for problem in refusal.problems:
            found.add("", problem)
        return None
    if override.is_sweep_override():
        key, _, values = text.partition("=")
        several = key in OPTIONAL_GROUPS
        quoted = written(key, f"[{values}]" if several else f'"{values}"')
        found.add(
            "",
            f"{shortened(text)}: a list of values needs -m, which runs one job for each (from "
            "Python: cifar_lab.sweep); write "
            f"{'several options of one run' if several else 'one value with a comma'} as "
            f"{shortened(quoted)}",
        )
        return None
    return override


def _is_choice(override: Override, composer: Composer, found: Preflight) -> bool:
    problem = choice_problem(override, composer)
    if problem is not None:
        found.refused_choices.add(override.key_or_group)
        found.add(override.key_or_group, problem)
    return problem is None


def _fits_a_key(
    override: Override, groups: list[str], keys: Sequence[str], found: Preflight
) -> bool:
    group = override.key_or_group.split(".")[0]
    if group in found.refused_choices:
        return False  # already reported: the default option's keys are not the intended ones
    problem = key_problem(override, groups, found.config, keys)
    if problem is not None:
        found.add(group, problem)
    return problem is None


def _composed(
    composer: Composer, before: list[Override], overrides: list[Override], found: Preflight
) -> list[Override]:
    """Compose with the overrides that Hydra accepts and return them; report the others."""
    if not overrides:  # already composed
        return []
    try:
        found.config = composer.compose([str(o.input_line) for o in [*before, *overrides]])
        return overrides
    except CANNOT_COMPOSE as error:
        if len(overrides) == 1:
            text, group = shortened(str(overrides[0].input_line)), overrides[0].key_or_group
            found.add(group.split(".")[0], f"{text}: {reason(error)}")
            return []
    # In halves, so that one mistake among many overrides costs few compositions.
    middle = len(overrides) // 2
    fitting: list[Override] = []
    for half in (overrides[:middle], overrides[middle:]):
        fitting += _composed(composer, [*before, *fitting], half, found)
    return fitting


def check_composed(found: Preflight, own: OwnCode) -> None:
    """Check the resolved values of a composed configuration and add any problems.

    Args:
        found: holds the configuration.
        own: where modules of the user's own may come from.
    """
    values = resolved(found.config)
    found.values = (found.config, values)
    problems = [(key, f"{key}={values.written[key]}: {p}") for key, p in values.problems.items()]
    for key, problem in signatures.problems(values.values, own):
        # A node without its target is told by the key of the node.
        unresolved = values.problems.keys() & {key, f"{key}._target_"}
        if not unresolved and not any(key.startswith(f"{k}.") for k in values.problems):
            written = values.written.get(key)
            problems.append((key, problem if written is None else f"{problem} (from {written})"))
    wrong = {key for key, _ in problems}
    for key, problem in problems:
        group = key.split(".")[0]
        if values.source(key) in wrong:  # e.g. scheduler.max_lr from optimizer.lr
            found.groups.add(group)
        else:
            found.add(group, problem)
    if not found.groups & {"trainer", "dataset", "mixing", "scheduler"}:
        for group, problem in contradictions.problems(values.job):
            found.add(group, problem)
    if "name" not in found.groups and "hydra" in found.config:
        for problem in folder_problems(found.config):
            found.add("hydra", problem)


def _is_interpolation(config: DictConfig, key: str) -> bool:
    parent, _, last = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return has_key(config, key) and OmegaConf.is_interpolation(node, last)
