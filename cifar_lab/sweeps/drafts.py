"""Drafts the jobs of a sweep from what was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf

from cifar_lab.config.compose import Composer
from cifar_lab.config.reasons import CANNOT_COMPOSE
from cifar_lab.config.space import PAIR, Request, key_of, read_space
from cifar_lab.sweeps.planning import Draft


def drafted(composer: Composer, request: Request) -> list[Draft]:
    """Draft a job for each combination; none is left out yet.

    Raises:
        Refusal: the request cannot be read.
    """
    space = read_space(composer, request)
    return [Draft(tuple(job), _values(job, space.varied)) for job in space.jobs()]


def with_params(composer: Composer, request: Request) -> Request:
    """Add what the experiment itself sweeps, unless the command line gives the key."""
    config = master(composer, request)
    node = None if config is None else OmegaConf.select(config, "hydra.sweeper.params")
    if not node:
        return request
    given = {key_of(word) for word in request.overrides}
    params = OmegaConf.to_container(node)
    assert isinstance(params, dict)
    texts = {str(key): value for key, value in params.items()}
    added = [f"{key}={value}" for key, value in texts.items() if key not in given]
    return Request((*request.overrides, *added), request.sets, request.excluded)


def master(composer: Composer, request: Request) -> DictConfig | None:
    """Compose what all jobs share; None where that fails, which the check of the jobs tells."""
    from hydra.types import RunMode

    try:
        return composer.compose(for_hydra(request), RunMode.MULTIRUN)
    except CANNOT_COMPOSE:
        return None


def for_hydra(request: Request) -> list[str]:
    """The overrides that Hydra itself can read."""
    return [word for word in request.overrides if not word.startswith(PAIR)]


def _values(job: Sequence[str], varied: Sequence[str]) -> dict[str, str]:
    """The text of each value that varies, in the order of the keys."""
    given = {key_of(word): word.partition("=")[2] or "left out" for word in job}
    return {key: given[key] for key in varied if key in given}
