"""Drafts an ablation: the baseline, and the same with each piece taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omegaconf import DictConfig, OmegaConf

from cifar_lab.analysis.baseline import baseline_seeds
from cifar_lab.config.compose import Composer
from cifar_lab.config.fitting import has_key
from cifar_lab.config.many import ManyPreflights
from cifar_lab.config.overrides import parsed
from cifar_lab.config.space import SEED, Request, key_of, read_space, split_words
from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.sweeps.planning import Draft
from cifar_lab.wording import shortened

#: The key under which the pieces are listed, and the baseline among them.
WITHOUT, ONLY, BASELINE = "without", "with only", "nothing"


@dataclass(frozen=True)
class Ablation:
    """What an ablation was asked for.

    Attributes:
        overrides: of the baseline; only ``seed`` may list values.
        group: whose steps are taken away one by one; None for none.
        without: overrides that each take one further piece away.
        add_one_in: whether to start from none of the steps instead, and add each alone.
    """

    overrides: tuple[str, ...]
    group: str | None
    without: tuple[str, ...] = ()
    add_one_in: bool = False

    @classmethod
    def of(cls, words: Sequence[str], without: Sequence[str], add_one_in: bool) -> Ablation:
        """Tell the group from the overrides: a word without ``=`` or a sign.

        Raises:
            Refusal: there are several such words.
        """
        groups = [word for word in words if "=" not in word and word[:1] not in "~+"]
        if len(groups) > 1:
            raise Refusal(f"`cifar-lab ablate` takes one GROUP, got {', '.join(groups)}")
        overrides = tuple(word for word in words if word not in groups)
        return cls(overrides, groups[0] if groups else None, tuple(without), add_one_in)


def ablated(composer: Composer, asked: Ablation) -> list[Draft]:
    """Draft the jobs of an ablation.

    The baseline, with which every variant is compared, gets more seeds than they: √k times as many
    for k variants (Dunnett, 1955), going on from the largest one given.

    Raises:
        Refusal: the group has no steps, an override cannot be read, or something other than the
            seed lists values.
    """
    shared, seeds = _shared_and_seeds(composer, asked.overrides)
    variants = _variants(composer, asked, shared)
    more = baseline_seeds(len(variants), len(seeds)) - len(seeds)
    extra = [max(seeds) + 1 + number for number in range(more)]
    key = ONLY if asked.add_one_in else WITHOUT
    nothing = _all_left_out(composer, asked, shared) if asked.add_one_in else ()
    cases = [(BASELINE, nothing), *variants]
    drafts = [
        Draft((*shared, f"{SEED}={seed}", *words), {key: name, SEED: str(seed)})
        for seed in seeds
        for name, words in cases
    ]
    return drafts + [
        Draft((*shared, f"{SEED}={seed}", *nothing), {key: BASELINE, SEED: str(seed)})
        for seed in extra
    ]


def _shared_and_seeds(
    composer: Composer, overrides: Sequence[str]
) -> tuple[tuple[str, ...], list[int]]:
    """The overrides of all jobs, and the seeds."""
    space = read_space(composer, Request(tuple(overrides)))
    others = [key for key in space.varied if key != SEED]
    if others:
        raise Refusal(
            f"an ablation varies the seed only, got values for {', '.join(others)}; take pieces "
            "away with --without KEY=VALUE, or compare values with `cifar-lab train -m`"
        )
    words = [axis[0] for job in space.axes for axis in job] or [
        word for word in space.constant if key_of(word) == SEED
    ]
    seeds = [int(str(parsed(word, composer.loader).value())) for word in words] or [0]
    return tuple(word for word in space.constant if key_of(word) != SEED), seeds


def _variants(
    composer: Composer, asked: Ablation, shared: tuple[str, ...]
) -> list[tuple[str, tuple[str, ...]]]:
    """Each variant's name and the overrides that make it."""
    steps = _steps(composer, asked.group, shared) if asked.group is not None else {}
    found: list[tuple[str, tuple[str, ...]]] = []
    for name, path in steps.items():
        others = tuple(f"~{other}" for other in steps.values() if other != path)
        found.append((name, others if asked.add_one_in else (f"~{path}",)))
    for text in asked.without:
        words = tuple(split_words(text))
        for word in words:
            parsed(word, composer.loader)
        found.append((text, words))
    if not found:
        raise Refusal(
            "there is nothing to take away; name a group, e.g. `cifar-lab ablate augmentation`, or "
            "say what to change with --without KEY=VALUE"
        )
    return found


def _all_left_out(composer: Composer, asked: Ablation, shared: tuple[str, ...]) -> tuple[str, ...]:
    if asked.group is None:
        raise Refusal("--add-one-in needs a group whose steps are added, e.g. augmentation")
    return tuple(f"~{path}" for path in _steps(composer, asked.group, shared).values())


def _steps(composer: Composer, group: str, shared: tuple[str, ...]) -> dict[str, str]:
    """The named entries of a group that can be left out: the path of each by its name.

    Raises:
        Refusal: there is no such group, or it holds no dictionary of named entries.
    """
    found = ManyPreflights(composer, [])(shared)
    if found.problems:
        raise Refusal(found.problems)
    config = found.config
    if not has_key(config, group):
        groups = [str(key) for key in config if key != "hydra"]
        raise Refusal(
            f"there is no group '{shortened(group)}'{did_you_mean(group, groups)}; the groups are: "
            f"{', '.join(groups)}"
        )
    path = _dictionary(config, group)
    if path is None:
        raise Refusal(
            f"{group} has no named steps to leave out; take values away with --without, e.g. "
            f"--without {group}.KEY=VALUE"
        )
    return {str(name): f"{path}.{name}" for name in OmegaConf.select(config, path)}


def _dictionary(config: DictConfig, path: str) -> str | None:
    """The path of the first dictionary of nodes at a path or directly below it."""
    node = OmegaConf.select(config, path)
    if not OmegaConf.is_dict(node) or not node:
        return None
    if "_target_" not in node and all(
        OmegaConf.is_dict(node[key]) and "_target_" in node[key] for key in node
    ):
        return path
    below = (_dictionary(config, f"{path}.{key}") for key in node if OmegaConf.is_dict(node[key]))
    return next((each for each in below if each is not None), None)
