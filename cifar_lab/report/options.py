"""Options for what a report shows."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.analysis.misclassified import Rule
from cifar_lab.bounds import NonNegativeInt, PositiveInt, SomeNames


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Options of a report.

    Attributes:
        enabled: whether to draw the report at the end of a run.
        misclassified: number of images in the gallery.
        gallery: how they are chosen: ``most_confident``, ``highest_loss``, ``pair`` (from the most
            frequently confused pairs of classes) or ``random`` (with the run's seed).
        gradcam_layer: name of the layer for GradCAM, or several names, of which the first is used
            for averages; None uses the deepest layer whose map is at least 5×5.
        averaged_images: number of evaluated images whose maps are averaged; 0 disables averages.
    """

    enabled: bool
    misclassified: PositiveInt
    gallery: Rule
    gradcam_layer: str | SomeNames | None
    averaged_images: NonNegativeInt
