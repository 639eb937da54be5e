"""Runs one job of a sweep, as it was composed when the sweep was planned."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Sequence
from typing import Any

from cifar_lab import assembly
from cifar_lab.engine.hooks import Hooks
from cifar_lab.own_code import OwnCode
from cifar_lab.recipe.launch import Listening, claim_with, keep_code
from cifar_lab.recipe.train import completed, running
from cifar_lab.recipe.trial import try_batches
from cifar_lab.results.plan import Frozen
from cifar_lab.run.changes import changes, say
from cifar_lab.run.code import Used, used
from cifar_lab.run.config import resolved
from cifar_lab.run.origin import Origin
from cifar_lab.run.provenance import PrecisionProbe
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Summary
from cifar_lab.run.weights import read_weights
from cifar_lab.targets import own_modules


def run_frozen(
    frozen: Frozen,
    run: Run,
    files: dict[str, str],
    *,
    device: str,
    own: OwnCode,
    config_dir: str | None,
    probe: PrecisionProbe | None,
    tried: assembly.Tried,
    listening: Listening,
    also: Sequence[Hooks] = (),
) -> Summary:
    """Run a job, or continue it.

    Unlike for a single run, the folder is claimed before anything is built, so that whatever
    happens to the job is recorded in a folder of its own.

    Args:
        frozen: what it was composed to.
        run: in its folder; it need not exist.
        files: content of the files in ``.hydra/``, by name.
        device: to use instead of the configured one.
        own: where modules of the user's own may come from.
        config_dir: of the sweep; None without it.
        probe: the measurement that ``precision=auto`` goes by.
        tried: parts to reuse.
        listening: entered around the run.
        also: further hooks.
    """
    config = {**resolved(run.folder.config, frozen.config), "device": device}
    if not run.folder.exists():
        claim_with(run.folder, files, _code(own, config_dir, config))
        run = Run(run.folder)
    elif not run.began and run.code is None:  # its process died before it claimed a folder
        keep_code(run, _code(own, config_dir, config))
        run = Run(run.folder)
    at = [] if config_dir is None else ["--config-dir", config_dir]
    command = shlex.join(["cifar-lab", "train", *frozen.overrides, *at])
    origin = Origin(command, list(frozen.differences), frozen.replaced)
    with listening() as stop, running(run.folder, command):
        if run.began:
            say(changes(run.code, own), "the run continues with the files as they are now")
        resumed = run.files.has(run.folder.last_checkpoint)
        place = None if resumed else config["model"].get("weights")
        weights = None if place is None else read_weights(str(place))
        experiment = assembly.experiment(config, tried, probe, weights)
        if not run.began:
            try_batches(experiment)
        origin = run.provenance.origin if run.began else origin
        return completed(experiment, run, origin, stop, also)


def _code(own: OwnCode, config_dir: str | None, config: dict[str, Any]) -> Used | None:
    """Describe what the job uses of the user's own, which is imported for that."""
    for name in own_modules(config, own):
        importlib.import_module(name)
    return used(config_dir, own, config)
