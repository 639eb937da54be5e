"""What a report shows."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.analysis.misclassified import Rule
from cifar_lab.bounds import NonNegativeInt, PositiveInt, SomeNames


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Options of a report.

    Attributes:
        enabled: draw the report at the end of a run.
        misclassified: images in the gallery.
        gallery: how they are chosen: ``most_confident``, ``highest_loss``, ``pair`` (of the most
            confused classes) or ``random`` (by the seed).
        gradcam_layer: name of the layer for GradCAM, or names of several, of which averages are
            of the first; None: the deepest that the model names whose map is at least 5×5.
        averaged_images: test images whose maps are averaged; 0 for none.
    """

    enabled: bool
    misclassified: PositiveInt
    gallery: Rule
    gradcam_layer: str | SomeNames | None
    averaged_images: NonNegativeInt
