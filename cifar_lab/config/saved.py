"""Applies new overrides to the configuration saved with a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from cifar_lab.config.compose import Composer
from cifar_lab.config.overrides import parsed
from cifar_lab.config.preflight import Preflight, check_composed, preflight
from cifar_lab.config.reasons import CANNOT_COMPOSE, reason
from cifar_lab.nodes import HOOKS, NOT_OF_A_RUN
from cifar_lab.own_code import OwnCode
from cifar_lab.refusal import Refusal
from cifar_lab.run.record import Run
from cifar_lab.wording import shortened

#: Keys whose values are paths.
PATHS = (("dataset", "root"), ("dataset", "file"), ("model", "weights"), ("extends", "run"))
#: The key whose value ``auto`` may mean something else on another day.
PRECISION = "trainer.precision"


def restored(run: Run, overrides: Sequence[str], own: OwnCode, to_train: bool = False) -> Preflight:
    """Load a run's saved configuration and override values in it; reads no other YAML.

    Args:
        run: the run whose configuration to load.
        overrides: ``key=value`` for keys that exist in the configuration.
        own: where modules of the user's own may come from.
        to_train: whether the run is to be continued; else it has no hooks, which only look on while
            it trains, and may need what is not installed here.

    Raises:
        Refusal: the configuration could not be read, or an override is not ``key=value`` for one
            of its keys.
    """
    saved = run.config_saved if to_train else {**run.config_saved, HOOKS: {}}
    config = OmegaConf.create(_anchored(run, saved))
    for override in _parse(overrides):
        group, _, last = override.key_or_group.rpartition(".")
        node = OmegaConf.select(config, group) if group else config
        known = [str(key) for key in node] if OmegaConf.is_dict(node) else []
        if override.type is not OverrideType.CHANGE or last not in known:
            raise Refusal(
                f"{shortened(str(override.input_line))}: there is no such key to change; the keys "
                f"are: {', '.join(known) or 'none'}"
            )
        OmegaConf.update(config, override.key_or_group, override.value())
    found = Preflight(config)
    check_composed(found, own)
    changed = tuple(override.key_or_group for override in _parse(overrides))
    found.problems = [
        problem if problem.startswith(changed) else f"{run.folder.config}: {problem}"
        for problem in found.problems
    ]
    return found


def rerun(composer: Composer, run: Run, overrides: Sequence[str]) -> tuple[Preflight, list[str]]:
    """Apply new overrides to a run's saved configuration.

    The saved values are kept even if the YAML files have changed since. Only the differences
    between composing with and without the new overrides are applied to them.

    Args:
        composer: composes from the groups that the run was composed from, and says where modules
            of the user's own may come from.
        run: the earlier run.
        overrides: the new overrides; overriding a group drops the earlier overrides of the group
            and of its keys.

    Returns:
        The checked configuration, and the earlier overrides that were dropped: those that are
        replaced, and all of Hydra's own, which decide what is run where.

    Raises:
        Refusal: the saved configuration could not be read, or no longer composes.
    """
    old, hydras = _without_hydras(run.overrides)
    kept, dropped = _without_replaced(old, overrides)
    job = _anchored(run, run.config_to_change)
    if not any(override.key_or_group == PRECISION for override in _parse(overrides)):
        job = _in_its_precision(job, run)
    if overrides:
        try:
            before = composer.compose(old)
        except CANNOT_COMPOSE as error:
            raise Refusal(
                f"the overrides that {run.folder.path} was started with no longer compose: "
                f"{reason(error)}; rerun it without new overrides, which uses only the "
                "saved configuration"
            ) from error
        found = preflight(composer, [*kept, *overrides])
        _apply_changes(job, _plain(before), _plain(found.config))
    else:
        found = Preflight(composer.compose([]))
    hydra = found.config.hydra
    with read_write(hydra), open_dict(hydra):
        hydra.overrides.task = [*kept, *overrides]
        if not overrides:  # those of the defaults were composed
            hydra.runtime.choices.update(run.choices)
    found.config = OmegaConf.create({**job, "hydra": hydra})
    if not found.problems:
        check_composed(found, composer.own_code())
    return found, [*hydras, *dropped]


def extended(found: Preflight, parent: dict[str, Any]) -> None:
    """Let a configuration, as :func:`rerun` returns it, continue a run instead of repeating it.

    Args:
        found: the checked configuration, which is changed.
        parent: the run that is continued, as plain values of its record. What that run started
            from matters no more.
    """
    if OmegaConf.select(found.config, "model.weights") is not None:
        OmegaConf.update(found.config, "model.weights", None)
    with open_dict(found.config):
        found.config["extends"] = parent
    if found.values is not None:
        values = found.values[1].values
        values["extends"] = parent
        if isinstance(values.get("model"), dict):
            values["model"] = {**values["model"], "weights": None}


def _without_hydras(overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split earlier overrides into the experiment's and Hydra's own."""
    of_hydra = {
        str(override.input_line)
        for override in _parse(overrides)
        if override.key_or_group.replace("/", ".").split(".")[0] == "hydra"
        or (override.package or "").split(".")[0] in ("hydra", "_global_")
    }
    kept = [text for text in overrides if text not in of_hydra]
    return kept, [text for text in overrides if text in of_hydra]


def _without_replaced(old: Sequence[str], new: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split older overrides into those to keep and those that newer ones replace."""
    keys = [override.key_or_group for override in _parse(new)]
    kept: list[str] = []
    dropped: list[str] = []
    for override in _parse(old):
        key = override.key_or_group
        replaced = any(key == k or key.startswith(f"{k}.") for k in keys)
        (dropped if replaced else kept).append(str(override.input_line))
    return kept, dropped


def _parse(overrides: Sequence[str]) -> list[Override]:
    return [parsed(text) for text in overrides]


def _anchored(run: Run, job: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration of a run, with its relative paths made absolute.

    They are relative to the directory in which the run was started.
    """
    job = {key: value for key, value in job.items() if key != "hydra"}
    paths = {(group, key): _relative(job.get(group), key) for group, key in PATHS}
    # What the run recorded is read only where it is needed: it may be damaged.
    if not any(paths.values()) or not run.began or run.provenance.working_directory is None:
        return job
    then = Path(run.provenance.working_directory)
    for (group, key), path in paths.items():
        if path is not None and then != Path.cwd():
            job[group] = {**job[group], key: str(then / path)}
    return job


def _relative(node: Any, key: str) -> str | None:
    """Return the relative path that a node has as a key; None if it has none."""
    path = node.get(key) if isinstance(node, dict) else None
    if not isinstance(path, str) or "${" in path or Path(path).expanduser().is_absolute():
        return None
    return path


def _in_its_precision(job: dict[str, Any], run: Run) -> dict[str, Any]:
    """Return the configuration with the precision that ``auto`` chose, so that it is kept."""
    trainer = job.get("trainer", {})
    if trainer.get("precision") != "auto" or not run.began:
        return job
    return {**job, "trainer": {**trainer, "precision": run.provenance.precision}}


def _plain(config: DictConfig) -> dict[str, Any]:
    """Return the configuration as plain values, unresolved and without Hydra's node."""
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items() if key not in NOT_OF_A_RUN}


def _apply_changes(saved: dict[Any, Any], before: dict[Any, Any], after: dict[Any, Any]) -> None:
    """Apply the changes between ``before`` and ``after`` to ``saved``, in place."""
    for key in before.keys() - after.keys():
        saved.pop(key, None)
    for key, new in after.items():
        old = before.get(key)
        if key in before and old == new:
            continue
        if all(isinstance(value, dict) for value in (saved.get(key), old, new)):
            _apply_changes(saved[key], old, new)  # type: ignore[arg-type]
        else:
            saved[key] = new
