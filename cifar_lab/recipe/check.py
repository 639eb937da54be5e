"""What can be known of an experiment without training it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cifar_lab.assembly import Experiment
from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight, sweep_jobs
from cifar_lab.explain.layers import map_sizes
from cifar_lab.models.summary import summarise
from cifar_lab.recipe.launch import built
from cifar_lab.refusal import Refusal


def checked(
    composer: Composer, overrides: Sequence[str], multirun: bool
) -> Iterator[tuple[list[str], list[str]]]:
    """Checks every job of a command line, one after the other.

    Args:
        composer: of the configurations.
        overrides: of the command line.
        multirun: whether several values make several jobs.

    Yields:
        The overrides of a job that would run, and what it would be, a line each.

    Raises:
        Refusal: what is wrong with the others, all at once, after the last.
    """
    jobs = sweep_jobs(overrides) if multirun else [list(overrides)]
    problems: dict[str, None] = {}
    for job in jobs:
        try:
            lines = checks(built(preflight(composer, job), download=False))
        except Refusal as refusal:
            problems.update(dict.fromkeys(refusal.problems))
        else:
            yield job, lines
    if problems:
        raise Refusal(list(problems))


def checks(experiment: Experiment) -> list[str]:
    """Tries a batch and tells what a run would be, a line each.

    Raises:
        Refusal: the model, the criterion and the data do not fit each other.
    """
    learner, data, schedule = experiment.learner, experiment.dataset, experiment.schedule
    loss = _try_batches(experiment)
    size = summarise(learner.model, data.image_size)
    maps = map_sizes(learner.model, list(experiment.gradcam_layers), data.image_size)
    shown = [f"at {name}, {size[0]}×{size[1]}" for name, size in maps.items() if size]
    unit = " times the maximum, which a run finds first" if experiment.finds_max_lr else ""
    rates = [schedule.learning_rate(step) for step in range(schedule.total_steps)]
    rows = {
        "data": f"{len(data.train_indices):,} training, {len(data.val_indices):,} validation, "
        f"{len(data.source.test):,} test images of {data.image_size[0]}×{data.image_size[1]} in "
        f"{len(data.class_names)} classes",
        "model": f"{type(learner.model).__name__}, {size.parameters:,} parameters, "
        f"{size.multiply_adds / 1e6:,.1f} million multiply-adds an image",
        "device": f"{learner.device} in {learner.precision}",
        "one batch": f"forward and backward done, loss {loss:.4f}",
        "schedule": f"{schedule.total_steps:,} steps; learning rate {rates[0]:.4g}, at most "
        f"{max(rates):.4g}, at last {rates[-1]:.4g}{unit}",
        "GradCAM": " and ".join(shown) or "none: the model declares no layer that gives a map",
    }
    return [f"{name + ':':<11}{text}" for name, text in rows.items()]


def _try_batches(experiment: Experiment) -> float:
    """Forward and backward over the first and, as it may be of one image, the last batch."""
    model, loader = experiment.learner.model, experiment.loaders.train
    losses = []
    model.train()
    for number in sorted({0, len(loader) - 1}):
        batch = next(loader.batches(epoch=0, first=number, end=number + 1))
        try:
            loss, _ = experiment.learner.loss_and_logits(batch)
            loss.backward()
        except (RuntimeError, ValueError, TypeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise Refusal(
                f"a batch of {len(batch.labels)} images cannot be passed through "
                f"{type(model).__name__}: {reason}"
            ) from error
        losses.append(loss.item())
    return losses[0]
