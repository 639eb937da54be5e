"""GradCAM of predicted classes against the grad-cam package and a plain loop with Captum."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import ours, peers
from benchmarks.cases.training_step import experiment, random_batches
from benchmarks.measure import Case, Different, Result, Settings, compare, timed

LAYER, BATCH_SIZE = "layer3", 50
TOLERANCE = 1e-3


def against_package(settings: Settings) -> Result:
    """Asserts equal maps, scaled as the package does, then times both sides."""
    peer = peers.load("gradcam_peer")
    model, images = _network_and_images(settings)
    plain = _as_people_have_them(model, images)
    size = (images.shape[2], images.shape[3])

    def drawn() -> NDArray[np.float32]:
        maps, _ = ours.gradcam_of_predictions(model, LAYER, images)
        return peer.as_package(maps, size)

    def theirs() -> NDArray[np.float32]:
        return peer.by_package(*plain, LAYER, BATCH_SIZE)

    largest = _assert_equal_maps(drawn(), theirs())
    result = compare(timed(drawn), timed(theirs), settings.size(3, 2))
    return result.noted(f"maps differ by at most {largest:.1g} of their maximum")


def against_captum(settings: Settings) -> Result:
    """Asserts equal classes and signed maps, then times both sides."""
    peer = peers.load("gradcam_peer")
    model, images = _network_and_images(settings)
    plain = _as_people_have_them(model, images)

    def mine() -> tuple[NDArray[np.float32], torch.Tensor]:
        return ours.gradcam_of_predictions(model, LAYER, images)

    def theirs() -> tuple[NDArray[np.float32], torch.Tensor]:
        return peer.by_captum(*plain, LAYER, BATCH_SIZE)

    (maps, classes), (other_maps, other_classes) = mine(), theirs()
    if not torch.equal(classes.cpu(), other_classes.cpu()):
        raise Different("the two sides predict, and therefore explain, different classes")
    largest = _assert_equal_maps(maps, other_maps)
    result = compare(timed(mine), timed(theirs), settings.size(3, 2))
    return result.noted(f"maps differ by at most {largest:.1g} of their maximum")


def _network_and_images(settings: Settings) -> tuple[torch.nn.Module, torch.Tensor]:
    """Returns ResNet18 with updated norm statistics, so that its activations are well scaled."""
    built = experiment(settings, ["model=resnet18"], "float32", 64)
    count = settings.size(1000, BATCH_SIZE)
    ((images, _),) = random_batches(1, count, built.learner.device)
    images = images.contiguous(memory_format=torch.channels_last)
    model = built.learner.model
    with torch.no_grad():
        model.train()
        for _ in range(3):
            model(images[:BATCH_SIZE])
    return model.eval(), images


def _as_people_have_them(
    model: torch.nn.Module, images: torch.Tensor
) -> tuple[torch.nn.Module, torch.Tensor]:
    """Returns the same network and images in torch's default memory format."""
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    return plain, images.contiguous(memory_format=torch.contiguous_format)


def _assert_equal_maps(ours_: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Returns the largest difference, relative to the largest value of all maps.

    Raises:
        Different: more than 1 % of the maps differ by more than the tolerance relative to their
            own maximum (very weak maps do so by rounding alone), or any map by more than ten
            times the tolerance relative to the maximum of all maps.
    """
    if ours_.shape != theirs.shape:
        raise Different(f"maps: ours has shape {ours_.shape}, theirs {theirs.shape}")
    differences = np.abs(ours_ - theirs).max(axis=(1, 2))
    own = np.maximum(np.abs(theirs).max(axis=(1, 2)), 1e-12)
    largest = float(differences.max() / own.max())
    typical = float(np.quantile(differences / own, 0.99))
    if not (typical <= TOLERANCE and largest <= 10 * TOLERANCE):
        raise Different(f"maps differ by {largest:.2g} and {typical:.2g}, allowed: {TOLERANCE:g}")
    return largest


CASES = [
    Case(
        name="gradcam-package",
        what="GradCAM of 1,000 images, ResNet18, third stage",
        against="the grad-cam package",
        run=against_package,
    ),
    Case(
        name="gradcam-captum",
        what="GradCAM of 1,000 images, ResNet18, third stage",
        against="Captum in a plain loop: predict, then attribute",
        run=against_captum,
    ),
]
