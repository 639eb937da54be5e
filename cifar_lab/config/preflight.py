"""Checks all overrides of a command line before anything is built or written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from cifar_lab.config import contradictions, signatures
from cifar_lab.config.compose import Composer
from cifar_lab.config.resolution import reason, resolved
from cifar_lab.own_code import OwnCode
from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.wording import first_sentence

#: What composing raises for invalid input.
CANNOT_COMPOSE = (HydraException, OmegaConfBaseException, YAMLError, ValueError)
#: Groups that a run does not need.
OPTIONAL_GROUPS = ("experiments", "debug")


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
    """

    config: DictConfig
    defaults: DictConfig = field(init=False)
    problems: list[str] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    replaced: list[str] = field(default_factory=list)
    refused_choices: set[str] = field(default_factory=set)

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
        return resolved(self.config).job


def preflight(composer: Composer, overrides: Sequence[str]) -> Preflight:
    """Check the overrides of one job: syntax, groups, options, keys, types, contradictions."""
    found = Preflight(composer.compose([]))
    parsed = [p for p in (_parsed(text, found) for text in overrides) if p is not None]
    groups = composer.groups()
    choices = [
        o for o in parsed if o.key_or_group in groups and _names_an_option(o, composer, found)
    ]
    values = [o for o in parsed if o.key_or_group not in groups]
    choices = _composed(composer, [], choices, found)
    _composed(composer, choices, [o for o in values if _fits_a_key(o, groups, found)], found)
    found.replaced = composer.replaced(found.config)
    check_composed(found, composer.own_code())
    return found


def _composed(
    composer: Composer, before: list[Override], overrides: list[Override], found: Preflight
) -> list[Override]:
    """Compose with the overrides that Hydra accepts and return them; report the others."""

    def compose(chosen: list[Override]) -> DictConfig:
        return composer.compose([str(o.input_line) for o in [*before, *chosen]])

    fitting: list[Override] = []
    if not overrides:  # already composed
        return fitting
    try:
        found.config = compose(overrides)
    except CANNOT_COMPOSE:
        for override in overrides:
            try:
                compose([override])
                fitting.append(override)
            except CANNOT_COMPOSE as error:
                group = override.key_or_group.split(".")[0]
                found.add(group, f"{override.input_line}: {first_sentence(error)}")
        try:
            found.config = compose(fitting)
        except CANNOT_COMPOSE as error:
            found.add("", first_sentence(error))
        return fitting
    return overrides


def check_composed(found: Preflight, own: OwnCode) -> None:
    """Check the resolved values of a composed configuration and add any problems.

    Args:
        found: holds the configuration.
        own: where modules of the user's own may come from.
    """
    values = resolved(found.config)
    problems = [(key, f"{key}={values.written[key]}: {p}") for key, p in values.problems.items()]
    for key, problem in signatures.problems(values.job, own):
        if not any(key == k or key.startswith(f"{k}.") for k in values.problems):
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
    _check_folder(found)


def _check_folder(found: Preflight) -> None:
    """Add a problem if the run's folder depends on something that cannot be resolved."""
    if "name" in found.groups or "hydra" not in found.config:
        return
    try:
        str(found.config.hydra.run.dir)
    except OmegaConfBaseException as error:
        found.add("hydra", f"hydra.run.dir: {reason(error)}")


def sweep_jobs(overrides: Sequence[str]) -> list[list[str]]:
    """Return the overrides of each job of a sweep, split by Hydra's own sweeper.

    Raises:
        Refusal: an override cannot be parsed.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        return BasicSweeper.split_arguments(parsed, max_batch_size=None)[0]
    except HydraException as error:
        raise Refusal(first_sentence(error)) from error


def _parsed(text: str, found: Preflight) -> Override | None:
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException as error:
        found.add("", f"{text}: {first_sentence(error)}; write overrides as key=value")
        return None
    if override.is_sweep_override():
        found.add("", f"{text}: a list of values needs -m, which runs one job for each")
        return None
    return override


def _names_an_option(override: Override, composer: Composer, found: Preflight) -> bool:
    group, option = override.key_or_group, override.value()
    options = composer.options(group)
    chosen = option if isinstance(option, list) else [option]
    if group not in OPTIONAL_GROUPS and (override.is_delete() or None in chosen):
        found.refused_choices.add(group)
        text = (
            f"{override.input_line}: a run needs a {group}; the options are: {', '.join(options)}"
        )
        found.add(group, text)
        return False
    if override.is_delete() or all(choice is None or choice in options for choice in chosen):
        return True
    found.refused_choices.add(group)
    unknown = next(choice for choice in chosen if choice is not None and choice not in options)
    found.add(
        group,
        f"{override.input_line}: {group} has no option '{unknown}'"
        f"{did_you_mean(str(unknown), options)}; the options are: {', '.join(options)}",
    )
    return False


def _fits_a_key(override: Override, groups: list[str], found: Preflight) -> bool:
    """Check that the key exists; whether an added key is ever read is checked later."""
    key = override.key_or_group
    group = key.split(".")[0]
    if group == "hydra" or "/" in key:
        return True  # Hydra's own keys are checked, and their errors worded, when composing
    if group in found.refused_choices:
        return False  # already reported: the default option's keys are not the intended ones
    if override.is_add() or override.is_force_add() or _has_key(found.config, key):
        return True
    keys = _all_keys(found.config)
    same = [k for k in keys if k.split(".")[-1] == key.split(".")[-1]]
    found.add(
        group,
        f"{override.input_line}: there is no key '{key}'"
        f"{did_you_mean(key, [*groups, *keys], otherwise=same[:1])}"
        "; `cifar-lab train --cfg job` prints all keys",
    )
    return False


def _has_key(config: DictConfig, key: str) -> bool:
    node: Any = config
    for part in key.split("."):
        # keys(), because `in` treats a key whose value is ??? as missing.
        if not OmegaConf.is_dict(node) or part not in node.keys():  # noqa: SIM118
            return False
        node = node._get_node(part)
    return True


def _all_keys(config: DictConfig) -> list[str]:
    def below(node: Any, prefix: str) -> list[str]:
        keys = []
        for key in node:
            path = f"{prefix}{key}"
            keys.append(path)
            child = node._get_node(key)
            if OmegaConf.is_dict(child) and not child._is_none() and not child._is_interpolation():
                keys += below(child, f"{path}.")
        return keys

    return [key for key in below(config, "") if key.split(".")[0] != "hydra"]
