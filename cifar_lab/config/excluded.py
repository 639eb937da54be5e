"""Combinations that a sweep leaves out: ``--exclude``."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from cifar_lab.config.compose import Composer
from cifar_lab.config.fitting import all_keys
from cifar_lab.config.overrides import parsed
from cifar_lab.config.space import split_words
from cifar_lab.refusal import Refusal, did_you_mean


class Excluded:
    """Combinations that a sweep leaves out.

    Args:
        texts: each holds some overrides; a job to which all of them apply is left out.
        composer: knows the groups.

    Raises:
        Refusal: one of them cannot be read.
    """

    def __init__(self, texts: Sequence[str], composer: Composer) -> None:
        self._groups = set(composer.groups())
        self._rules = []
        problems: list[str] = []
        for text in texts:
            try:
                read = [parsed(word, composer.loader) for word in split_words(text)]
            except Refusal as refusal:
                problems += [f'--exclude "{text}": {problem}' for problem in refusal.problems]
                continue
            self._rules.append((text, [(o.key_or_group, _allowed(o)) for o in read]))
        if problems:
            raise Refusal(problems)
        self._hits = {text: 0 for text, _ in self._rules}

    def __call__(self, config: DictConfig) -> bool:
        """Whether a job is left out.

        Args:
            config: as composed; includes Hydra's node.

        Raises:
            Refusal: a rule names a key that the configuration does not have.
        """
        left_out = False
        for text, rule in self._rules:
            if rule and all(self._holds(config, key, values, text) for key, values in rule):
                self._hits[text] += 1
                left_out = True
        return left_out

    def unused(self) -> list[str]:
        """The rules that left nothing out so far."""
        return [text for text, hits in self._hits.items() if hits == 0]

    def _holds(self, config: DictConfig, key: str, values: list[str], text: str) -> bool:
        if key in self._groups:
            return str(config.hydra.runtime.choices.get(key)) in values
        value = OmegaConf.select(config, key, throw_on_missing=False)
        if value is None and key not in all_keys(config):
            near = did_you_mean(key, [*self._groups, *all_keys(config)])
            raise Refusal(f"--exclude \"{text}\": there is no key '{key}'{near}")
        return str(value) in values


def _allowed(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.value())]
    sweep = override.sweep_iterator()
    return [str(value) for value in sweep]
