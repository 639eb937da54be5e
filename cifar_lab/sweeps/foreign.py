"""Runs jobs for a sweeper that somebody installed, which chooses their values itself."""

from __future__ import annotations

from typing import Any

from cifar_lab import assembly
from cifar_lab.config.compose import Composer, SweptJob, job_part
from cifar_lab.config.differences import differences
from cifar_lab.config.space import Request
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.recipe.launch import claim_with, remember_latest, train_command
from cifar_lab.recipe.train import run_experiment
from cifar_lab.recipe.trial import try_batches
from cifar_lab.refusal import Refusal
from cifar_lab.run.code import used
from cifar_lab.run.folder import OUTPUTS, RunFolder
from cifar_lab.run.origin import Origin
from cifar_lab.run.record import Run
from cifar_lab.run.weights import place_of, read_weights
from cifar_lab.sweeps.drafts import for_hydra
from cifar_lab.sweeps.ended import Outcome


def sweep_by(composer: Composer, request: Request, objective: str) -> Outcome:
    """Let another sweeper choose the jobs; each returns its objective to it.

    Args:
        composer: composes the configurations.
        request: what was asked for; ranges are expanded by the sweeper.
        objective: what a job returns.

    Raises:
        Refusal: with what only the lab's own sweeper can do.
    """
    refused = [f'--set "{text}"' for text in request.sets]
    refused += [f'--exclude "{text}"' for text in request.excluded]
    if refused or len(for_hydra(request)) < len(request.overrides):
        named = ", ".join(refused) or "pair=zip(…)"
        raise Refusal(f"{named}: only hydra/sweeper=lab, the default, understands this")
    defaults = job_part(composer.compose([]))

    def job(config: dict[str, Any], swept: SweptJob) -> float | None:
        named = config["model"].get("weights")
        weights = None if named is None else read_weights(place_of(OUTPUTS, str(named)))
        experiment = assembly.experiment(config, weights=weights)
        try_batches(experiment)
        folder = RunFolder.below_current(swept.path)
        code = used(composer.config_dir, composer.own_code(), experiment.config)
        claim_with(folder, swept.files, code)
        command = train_command(composer, swept.overrides)
        origin = Origin(command, differences(config, defaults), swept.replaced)
        remember_latest(folder, OUTPUTS)
        with StopRequest().listening() as stop:
            result = run_experiment(experiment, Run(folder), origin, stop)
        return objective_of(result, objective)

    composer.sweep(request.overrides, job)
    return Outcome(None)


def objective_of(result: Any, name: str) -> float | None:
    """Return what a finished job gives to a sweeper; None without validation images."""
    validation = result.validation
    if validation is None:
        return None
    return float(validation.accuracy if name == "val_accuracy" else validation.loss)
