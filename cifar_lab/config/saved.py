"""The configuration that a run folder keeps, and what new overrides make of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from cifar_lab.config.compose import Composer, job_part
from cifar_lab.config.preflight import Preflight, check_composed, preflight
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder


def saved_job(folder: RunFolder) -> dict[str, Any]:
    """The configuration that a run was made with, as plain values.

    Raises:
        Refusal: it cannot be read.
    """
    return job_part(_load(folder.config))


def saved_overrides(folder: RunFolder) -> list[str]:
    """The overrides that a run was started with.

    Raises:
        Refusal: they cannot be read.
    """
    return [str(override) for override in _load(folder.overrides)]


def saved_config_dir(folder: RunFolder) -> str | None:
    """The ``--config-dir`` that a run was started with, if it still exists."""
    for config_source in _load(folder.hydra).hydra.runtime.config_sources:
        if config_source.provider == "command-line" and Path(config_source.path).is_dir():
            return str(config_source.path)
    return None


def rerun(
    composer: Composer, folder: RunFolder, overrides: Sequence[str]
) -> tuple[Preflight, list[str]]:
    """A run's saved configuration plus what new overrides change.

    The saved values stand, whatever became of the YAML files since; on top come the differences
    between the composition with the new overrides and the one without.

    Args:
        composer: of the groups that the run was composed from.
        folder: the earlier run.
        overrides: the new ones; a changed group drops older overrides of its own and beneath it.

    Returns:
        The configuration, checked, and the older overrides that were dropped.
    """
    old = saved_overrides(folder)
    kept, dropped = _without_replaced(old, overrides)
    job = _plain(_load(folder.config))
    if overrides:
        found = preflight(composer, [*kept, *overrides])
        _apply_changes(job, _plain(composer.compose(old)), _plain(found.config))
    else:
        found = Preflight(composer.compose([]))
    hydra = found.config.hydra
    with read_write(hydra), open_dict(hydra):
        hydra.overrides.task = [*kept, *overrides]
    found.config = OmegaConf.create({**job, "hydra": hydra})
    if not found.problems:
        check_composed(found)
    return found, dropped


def _without_replaced(old: Sequence[str], new: Sequence[str]) -> tuple[list[str], list[str]]:
    """Parts older overrides into those that stand and those that newer ones replace."""
    parser = OverridesParser.create()
    keys = [parser.parse_override(text).key_or_group for text in new]
    kept: list[str] = []
    dropped: list[str] = []
    for text in old:
        key = parser.parse_override(text).key_or_group
        replaced = any(key == k or key.startswith(f"{k}.") for k in keys)
        (dropped if replaced else kept).append(text)
    return kept, dropped


def _plain(config: DictConfig) -> dict[str, Any]:
    """Unresolved, without Hydra's node."""
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items() if key != "hydra"}


def _apply_changes(saved: dict[Any, Any], before: dict[Any, Any], after: dict[Any, Any]) -> None:
    """Makes to ``saved``, in place, the changes that lead from ``before`` to ``after``."""
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


def _load(path: Path) -> Any:
    try:
        return OmegaConf.load(path)
    except (OSError, OmegaConfBaseException, ValueError) as error:
        raise Refusal(f"{path} cannot be read: {error}") from error
