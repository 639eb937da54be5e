"""``check``: what can be known about an experiment without training it."""

from __future__ import annotations

from collections.abc import Iterator

from cifar_lab.assembly import Experiment
from cifar_lab.config.compose import Composer
from cifar_lab.config.excluded import Excluded
from cifar_lab.config.preflight import preflight
from cifar_lab.config.space import Request, read_space
from cifar_lab.explain.layers import map_sizes
from cifar_lab.models.summary import summarise
from cifar_lab.optim.listed import origin
from cifar_lab.optim.schedules import steps_of
from cifar_lab.recipe.launch import built
from cifar_lab.recipe.trial import try_batches
from cifar_lab.refusal import Refusal
from cifar_lab.trackers.tracker import Tracker


def checked(
    composer: Composer, request: Request, multirun: bool
) -> Iterator[tuple[list[str], list[str]]]:
    """Check every job of a command line.

    Args:
        composer: composes the configurations.
        request: what the command line asks for.
        multirun: whether it may list several values, for one job each.

    Yields:
        For each job that would run: its overrides and the lines of its description.

    Raises:
        Refusal: after the last job, with the problems of all others at once.
    """
    jobs = read_space(composer, request).jobs() if multirun else [list(request.overrides)]
    excluded = Excluded(request.excluded, composer)
    problems: dict[str, None] = {}
    for job in jobs:
        try:
            found = preflight(composer, job)
            if excluded(found.config):
                continue
            lines = checks(built(found, download=False))
        except Refusal as refusal:
            problems.update(dict.fromkeys(refusal.problems))
        else:
            yield job, lines
    if problems:
        raise Refusal(list(problems))


def checks(experiment: Experiment) -> list[str]:
    """Try a batch and describe the run in lines of text.

    Raises:
        Refusal: the model, the criterion and the data do not work together.
    """
    learner, data, schedule = experiment.learner, experiment.dataset, experiment.schedule
    loss = try_batches(experiment)
    size = summarise(learner.model, data.image_size)
    maps = map_sizes(learner.model, list(experiment.gradcam_layers), data.image_size)
    shown = [f"at {name}, {size[0]}×{size[1]}" for name, size in maps.items() if size]
    unit = (
        " times the maximum, which the run finds before training" if experiment.finds_max_lr else ""
    )
    probe = experiment.precision_probe
    measured = "" if probe is None else f": {probe.described}"
    rates = [schedule.learning_rate(step) for step in steps_of(schedule)]
    starts = experiment.fitted
    rows = {
        "data": f"{len(data.train_indices):,} training, {len(data.val_indices):,} validation, "
        f"{len(data.source.test):,} test images of {data.image_size[0]}×{data.image_size[1]} in "
        f"{len(data.class_names)} classes",
        "model": f"{type(learner.model).__name__}, {size.parameters:,} parameters, "
        f"{size.multiply_adds / 1e6:,.1f} million multiply-adds per image",
        **({} if starts is None else {"weights": starts.described}),
        "device": f"{learner.device} in {learner.precision}{measured}",
        "one batch": f"forward and backward pass succeeded, loss {loss:.4f}",
        "schedule": f"{len(rates):,} steps; learning rate starts at {rates[0]:.4g}, "
        f"peaks at {max(rates):.4g}, ends at {rates[-1]:.4g}{unit}{origin(schedule)}",
        "GradCAM": " and ".join(shown)
        or "none: the model has no layer whose output is a feature map",
    }
    notes = [("note", note) for note in [*data.source.notes, *_missing(experiment)]]
    return [f"{name + ':':<11}{text}" for name, text in [*rows.items(), *notes]]


def _missing(experiment: Experiment) -> Iterator[str]:
    """Yield which trackers' packages are not installed; the run would train without them."""
    for name, hook in experiment.hooks.items():
        problem = hook.missing() if isinstance(hook, Tracker) else None
        if problem is not None:
            yield f"hooks.{name}: {problem}"
