"""Checks the jobs of a sweep: each distinct choice of options is composed once.

Composing takes most of the time. Two jobs with the same options differ in values only, which are
applied to a copy, as Hydra itself would. The result is that of checking each job alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, open_dict, read_write

from cifar_lab.config.compose import Composer
from cifar_lab.config.fitting import all_keys, key_problem
from cifar_lab.config.overrides import parsed
from cifar_lab.config.preflight import Preflight, check_composed, preflight
from cifar_lab.config.reasons import CANNOT_COMPOSE
from cifar_lab.config.space import key_of
from cifar_lab.refusal import Refusal

#: Parts of Hydra's node that the check of a job looks at, or that differ between jobs.
NEEDED = ("run", "sweep", "runtime", "job", "overrides", "mode")


class ManyPreflights:
    """Checks overrides like :func:`preflight`, many times.

    Args:
        composer: composes the configurations.
        varied: keys of values that differ between jobs; what else is overridden is composed.
    """

    def __init__(self, composer: Composer, varied: Iterable[str]) -> None:
        self._composer = composer
        self._groups = composer.groups()
        self._values = {key for key in varied if key not in self._groups and key[:6] != "hydra."}
        self._bases: dict[tuple[str, ...], Preflight] = {}
        self._light: dict[tuple[str, ...], DictConfig] = {}
        self._keys: dict[tuple[str, ...], list[str]] = {}
        self._fits: dict[tuple[str, ...], bool] = {}
        self._parsed: dict[str, Override] = {}

    def __call__(self, overrides: Sequence[str]) -> Preflight:
        """Check the overrides of one job."""
        choices = tuple(word for word in overrides if key_of(word) not in self._values)
        values = [word for word in overrides if key_of(word) in self._values]
        base = self._base(choices)
        if not values:
            return base
        if base.problems or not all(self._fit(choices, word) for word in values):
            return preflight(self._composer, overrides)
        found = Preflight(copy.deepcopy(self._light[choices]))
        found.defaults, found.replaced = base.defaults, base.replaced
        with read_write(found.config.hydra), open_dict(found.config.hydra):
            found.config.hydra.overrides.task = _of_task(overrides)
            job = found.config.hydra.job
            job.override_dirname = get_overrides_dirname(
                [self._override(word) for word in _of_task(overrides)],
                **job.config.override_dirname,
            )
        try:
            ConfigLoaderImpl._apply_overrides_to_config(
                [self._override(word) for word in values], found.config
            )
        except CANNOT_COMPOSE:
            return preflight(self._composer, overrides)
        check_composed(found, self._composer.own_code())
        return found

    def hydra_of(self, overrides: Sequence[str]) -> DictConfig:
        """Return Hydra's node, whole, as it is composed for a job but for the values that vary."""
        choices = tuple(word for word in overrides if key_of(word) not in self._values)
        return self._base(choices).config.hydra

    def _base(self, choices: tuple[str, ...]) -> Preflight:
        if choices not in self._bases:
            self._bases[choices] = preflight(self._composer, choices)
            self._keys[choices] = all_keys(self._bases[choices].config)
            self._light[choices] = _needed(self._bases[choices].config)
        return self._bases[choices]

    def _fit(self, choices: tuple[str, ...], word: str) -> bool:
        """Whether a value has a key; else the full check tells why not."""
        case = (*choices, word)
        if case not in self._fits:
            try:
                problem = key_problem(
                    self._override(word),
                    self._groups,
                    self._bases[choices].config,
                    self._keys[choices],
                )
                self._fits[case] = problem is None
            except Refusal:
                self._fits[case] = False
        return self._fits[case]

    def _override(self, word: str) -> Override:
        if word not in self._parsed:
            self._parsed[word] = parsed(word, self._composer.loader)
        return self._parsed[word]


def _needed(config: DictConfig) -> DictConfig:
    """A copy with those parts of Hydra's node that the check needs: the rest takes long to copy."""
    light = copy.deepcopy(config)
    with read_write(light.hydra), open_dict(light.hydra), open_dict(light.hydra.runtime):
        for key in [key for key in light.hydra if key not in NEEDED]:
            light.hydra.pop(key)
        light.hydra.runtime.pop("config_sources", None)
    return light


def _of_task(overrides: Sequence[str]) -> list[str]:
    """The overrides that are not Hydra's own."""
    return [word for word in overrides if key_of(word).replace("/", ".").split(".")[0] != "hydra"]
