"""Charts of several runs of one study, each drawn from plain numbers and returned as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib.figure import Figure
from PIL import Image

from cifar_lab.engine.hooks import Row
from cifar_lab.report.figures.chart import GREY, axes_side_by_side, png
from cifar_lab.report.figures.lettering import lettering
from cifar_lab.report.figures.training import SPLIT_COLOURS, SPLIT_NAMES, dress
from cifar_lab.wording import percent

#: Line style of each split, as the colours alone cannot be told apart in print.
STYLES = {"train": "--", "val": ":", "test": "-"}


@lettering()
def study_curves(runs: Sequence[Sequence[Row]], published: float) -> bytes:
    """Loss and accuracy over epochs, one thin line per run, and the published test accuracy.

    Args:
        runs: each run's rows of metrics.csv.
        published: published test accuracy, in 0 … 1.
    """
    figure = Figure(figsize=(9, 3.5))
    loss_axes, accuracy_axes = axes_side_by_side(figure, 2, top=0.4)
    named: set[str] = set()
    for rows in runs:
        for split, colour in SPLIT_COLOURS.items():
            if f"{split}_loss" not in rows[0]:
                continue
            name = SPLIT_NAMES[split] if split not in named else None
            named.add(split)
            for axes, quantity, scale in ((loss_axes, "loss", 1), (accuracy_axes, "accuracy", 100)):
                epochs = [row["epoch"] for row in rows]
                values = [scale * row[f"{split}_{quantity}"] for row in rows]
                axes.plot(epochs, values, STYLES[split], color=colour, linewidth=1, label=name)
    accuracy_axes.axhline(
        100 * published, color=GREY, linewidth=1, label=f"published test, {percent(published)}"
    )
    dress(loss_axes, accuracy_axes)
    return small(png(figure))


def small(content: bytes) -> bytes:
    """Reduce a PNG file to 64 colours, as these files are committed."""
    with Image.open(io.BytesIO(content)) as image:
        buffer = io.BytesIO()
        image.convert("RGB").quantize(64).save(buffer, "PNG", optimize=True, dpi=image.info["dpi"])
    return buffer.getvalue()
