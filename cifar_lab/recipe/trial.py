"""Tries the smallest batches that a run will see, before it trains; for every verb that may."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cifar_lab.assembly import Experiment
from cifar_lab.data.loaders import Batch
from cifar_lab.data.resizing import resized_batch
from cifar_lab.engine.restoring import kept
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence, plural

#: A small batch shows whether the parts work together, and costs no time.
IMAGES = 2
#: How close to 1 probabilities add up, also in bfloat16.
UNITY = 0.01


def try_batches(experiment: Experiment) -> float:
    """Pass a small batch forward and backward, and a single image if the last batch is that small.

    Where the first epochs are trained on smaller images, the batch is passed in each size.

    Leaves weights, statistics and random states as they were.

    Returns:
        The loss of the small batch.

    Raises:
        Refusal: model, criterion and images do not work together.
    """
    sizes = [min(IMAGES, experiment.plan.batch_size)]
    if _last_batch(experiment) == 1:
        sizes.append(1)
    sides = dict.fromkeys(side for _, side in experiment.plan.image_sizes or ())
    with kept(experiment.learner.model, experiment.optimizer):
        losses = [_tried(experiment, size) for size in sizes]
        for side in sides:
            _tried(experiment, sizes[0], side)
    return losses[0]


def _last_batch(experiment: Experiment) -> int | None:
    """Images in the last batch of an epoch; None if it is not trained."""
    loader, plan, world = experiment.loaders.train, experiment.plan, experiment.engine.world
    if plan.batches_to_train(len(loader)) < len(loader):
        return None
    whole = plan.batch_size * world.size
    return ((len(loader.rows) - 1) % whole + 1) // world.size


def _tried(experiment: Experiment, size: int, side: int | None = None) -> float:
    learner, dataset = experiment.learner, experiment.dataset
    rows, train = dataset.train_indices[:size], dataset.source.train
    images = experiment.normalise(torch.from_numpy(train.images[rows]))
    labels = torch.from_numpy(train.labels[rows]).to(images.device)
    learner.model.train()

    def forward(images: Tensor) -> Tensor:
        output = learner.model(images)
        _refuse_other_than_logits(output, learner.model, (size, len(dataset.class_names)))
        return output

    try:
        loss, _ = learner.loss_and_logits(resized_batch(Batch(images, labels), side), forward)
        loss.backward()
        return loss.item()
    except Refusal:
        raise
    except Exception as error:  # a user's model may raise anything
        batch, trained = experiment.plan.batch_size, len(dataset.train_indices)
        cause = (
            f": trainer.batch_size={batch} leaves a last batch of one of the {trained:,} training "
            "images; choose a different batch size"
            if size == 1 and batch > 1
            else ""
        )
        if side is not None:
            cause = (
                f": trainer.image_sizes resizes images to {side} pixels, which this network does "
                "not accept; choose another size or network, or set it to null"
            )
        raise Refusal(
            f"a batch of {plural(size, 'image', 'images')} could not be passed through "
            f"{type(learner.model).__name__} ({first_sentence(error)}){cause}"
        ) from error


def _refuse_other_than_logits(output: object, model: nn.Module, shape: tuple[int, int]) -> None:
    """Refuse what a model gives if it cannot be logits ``(batch, classes)``."""
    name = type(model).__name__
    if not isinstance(output, Tensor):
        raise Refusal(
            f"model: {name} must return logits as one tensor, of shape {shape} for {shape[0]} "
            f"images of {shape[1]} classes, got {type(output).__name__}"
        )
    if tuple(output.shape) != shape:
        raise Refusal(
            f"model: {name} must return logits of shape {shape} for {shape[0]} images of "
            f"{shape[1]} classes, got {tuple(output.shape)}; the lab supplies the number of "
            "classes as num_classes"
        )
    shares = output.detach().float()
    if bool((shares >= 0).all()) and bool(((shares.sum(1) - 1).abs() < UNITY).all()):
        raise Refusal(
            f"model: {name} returns probabilities, as each image's add up to 1, but logits are "
            "needed; leave out the softmax, which the criterion computes"
        )
