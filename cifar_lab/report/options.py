"""What a report shows."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.bounds import PositiveInt


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Options of a report.

    Attributes:
        enabled: draw the report at the end of a run.
        misclassified: images in the gallery.
        gradcam_layer: name of the layer for GradCAM; None: the deepest that the model names
            whose map is at least 5×5.
    """

    enabled: bool
    misclassified: PositiveInt
    gradcam_layer: str | None
