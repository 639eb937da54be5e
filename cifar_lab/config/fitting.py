"""Checks whether an override fits the configuration, and says what to type where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from cifar_lab.config.compose import Composer
from cifar_lab.config.habits import lead
from cifar_lab.config.overrides import written
from cifar_lab.nodes import HOOKS, OPTIONAL_GROUPS
from cifar_lab.refusal import did_you_mean
from cifar_lab.wording import shortened

#: Where further options of Hydra's groups come from.
PACKAGES = {
    "hydra/launcher": "joblib comes with `pip install 'cifar-lab[joblib]'`, submitit_local and "
    "submitit_slurm with `pip install 'cifar-lab[submitit]'`",
    "hydra/sweeper": "others come with packages such as hydra-optuna-sweeper",
}


def choice_problem(override: Override, composer: Composer) -> str | None:
    """Return why an override does not choose an option of its group; None if it does.

    Args:
        override: its key is a group.
        composer: knows the options.
    """
    group, text = override.key_or_group, shortened(str(override.input_line))
    options = composer.options(group)
    needed = group not in OPTIONAL_GROUPS
    need = f"a run needs {'an' if group[0] in 'aeiou' else 'a'} {group}"
    listed = f"the options are: {', '.join(options)}"
    if override.is_delete():
        return f"{text}: {need}; {listed}" if needed else None
    chosen = override.value()
    if chosen is None:
        none = f"leave it out, or write ~{group}, to choose none"
        return f"{text}: {need if needed else none}; {listed}"
    if isinstance(chosen, list) and needed:
        return f"{text}: a run takes exactly one option of {group}; {listed}"
    for option in chosen if isinstance(chosen, list) else [chosen]:
        if option not in options:
            known = lead(override)
            if known is not None:
                return f"{text}: {group} has no option '{shortened(str(option))}'; {known}"
            return (
                f"{text}: {group} has no option '{shortened(str(option))}'"
                f"{did_you_mean(str(option), options)}; {listed}{_other_packages(group)}"
            )
    if override.is_add() or override.is_force_add():
        return f"{text}: leave out the +; write {written(group, str(chosen))}"
    return None


def _other_packages(group: str) -> str:
    package = PACKAGES.get(group)
    return "" if package is None else f"; {package}"


def key_problem(
    override: Override, groups: Sequence[str], config: DictConfig, keys: Sequence[str]
) -> str | None:
    """Return why an override fits no key of the configuration; None if it fits one.

    Whether an added key is ever used is checked later, with the values.

    Args:
        override: its key is not a group.
        groups: the names of all groups.
        config: the configuration with the chosen options.
        keys: all keys of the configuration, except Hydra's own.
    """
    key, text = override.key_or_group, shortened(str(override.input_line))
    if override.package is not None:
        return f"{text}: a group cannot be moved; write {written(key, _value(override))}"
    if "/" in key:
        if key.startswith("hydra/"):
            return f"{text}: Hydra has no group '{shortened(key)}'"
        dotted = key.replace("/", ".")
        fitting = [dotted] if has_key(config, dotted) else []
        return (
            f"{text}: there is no group '{shortened(key)}'"
            f"{did_you_mean(key, [*groups, *keys], otherwise=fitting)}; "
            f"the groups are: {', '.join(groups)}"
        )
    exists = has_key(config, key)
    known = None if exists or override.is_delete() else lead(override)
    if known is not None:
        return f"{text}: there is no key '{key}'; {known}"
    if override.is_add() and exists and not _grows(override, config):
        return f"{text}: the key exists already; write {written(key, _value(override))}"
    if override.is_add() or override.is_force_add():
        return None if exists else _unused(override, groups, config)
    if not exists:
        hint = _hint(override, groups, config, keys)
        return (
            _unused(override, groups, config) or f"{text}: there is no key '{shortened(key)}'{hint}"
        )
    if override.is_delete():
        return _cannot_delete(override, config)
    return _other_shape(override, config)


def _hint(
    override: Override, groups: Sequence[str], config: DictConfig, keys: Sequence[str]
) -> str:
    key = override.key_or_group
    parent = key.rpartition(".")[0]
    if parent.split(".")[0] == HOOKS and not has_key(config, parent):
        return f"; choose the hook as well, e.g. {HOOKS}={key.split('.')[1]}"
    if parent and _is_open(config, parent) and not override.is_delete():
        return f"; write {written(f'+{key}', _value(override))}"
    same = [k for k in keys if k.split(".")[-1] == key.split(".")[-1]]
    near = did_you_mean(key[:100], [*groups, *keys], otherwise=same[:1])
    return f"{near}; `cifar-lab train --cfg job` prints all keys"


def _cannot_delete(override: Override, config: DictConfig) -> str | None:
    key, text = override.key_or_group, shortened(str(override.input_line))
    value = OmegaConf.select(config, key, throw_on_missing=False)
    expected = override.value()
    if value is None and not OmegaConf.is_missing(config, key):
        return f"{text}: its value is null already; leave this override out"
    if expected not in (None, "") and expected != value:
        return f"{text}: the value is {shortened(str(value))}, not {shortened(str(expected))}"
    return None


def _other_shape(override: Override, config: DictConfig) -> str | None:
    """Return why a value cannot take the place of a dictionary; None if it can."""
    key, text, value = override.key_or_group, shortened(str(override.input_line)), override.value()
    node = _node(config, key)
    if not OmegaConf.is_dict(node) or node._is_none() or node._is_interpolation():
        return None
    if isinstance(value, dict):
        new = next((k for k in value if k not in node.keys()), None)  # noqa: SIM118
        if new is None:
            return None
        added = written(f"+{key}.{new}", shortened(str(value[new])))
        return f"{text}: {key} has no key '{new}'; add it with {added}"
    if isinstance(value, list):
        return f"{text}: {key} holds named values and cannot be a list; change one of its keys"
    return None


def _unused(override: Override, groups: Sequence[str], config: DictConfig) -> str | None:
    """Return why nothing can use a new key: it almost names a group, or belongs to Hydra."""
    key, text, value = override.key_or_group, shortened(str(override.input_line)), _value(override)
    near = did_you_mean(key[:100], [g for g in groups if "/" not in g])
    if "." not in key and near and value:
        group = near.split("'")[1]
        return f"{text}: there is no key '{key}'{near}; write {written(group, value)}"
    parent = key.rpartition(".")[0]
    if key.split(".")[0] == "hydra" and not _is_open(config, parent):
        return f"{text}: Hydra has no key '{key}'; `cifar-lab train --cfg hydra` prints all keys"
    return None


def _grows(override: Override, config: DictConfig) -> bool:
    """Whether an added value is a dictionary that extends one."""
    return isinstance(override.value(), dict) and OmegaConf.is_dict(
        _node(config, override.key_or_group)
    )


def _is_open(config: DictConfig, key: str) -> bool:
    """Whether a key holds a dictionary of any keys: neither a group, a node nor a dataclass."""
    node = _node(config, key)
    is_free = OmegaConf.is_dict(node) and not node._is_none() and not node._is_interpolation()
    return is_free and OmegaConf.get_type(node) is dict and "." in key and "_target_" not in node


def has_key(config: DictConfig, key: str) -> bool:
    """Whether a key exists, whatever its value."""
    return _node(config, key) is not None


def _node(config: DictConfig, key: str) -> Any:
    """Return the node at a key, also if its value is null or ???; None if there is no such key."""
    node: Any = config
    for part in key.split("."):
        # keys(), because `in` treats a key whose value is ??? as missing.
        if not OmegaConf.is_dict(node) or node._is_none() or node._is_interpolation():
            return None
        if part not in node.keys():  # noqa: SIM118
            return None
        node = node._get_node(part)
    return node


def all_keys(config: DictConfig) -> list[str]:
    """Return all keys except Hydra's own, nested ones as ``group.key``."""

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


def _value(override: Override) -> str:
    return shortened(str(override.input_line).partition("=")[2])
