"""What runs are compared by, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from cifar_lab.run.record import Run
from cifar_lab.wording import signed

Split = Literal["test", "validation"]


@dataclass(frozen=True)
class Measure:
    """A number of a finished run.

    Attributes:
        name: as in files and on the command line.
        label: in words.
        unit: of the numbers as they are written; empty for a count.
        value: reads it; None if the run has none.
        split: whose images it is of; None for a cost.
        lower: whether a lower value is better.
        scale: from the number to the unit.
        digits: after the decimal point.
    """

    name: str
    label: str
    unit: str
    value: Callable[[Run], float | None]
    split: Split | None = None
    lower: bool = True
    scale: float = 1.0
    digits: int = 0

    @property
    def heading(self) -> str:
        """Label and unit."""
        if not self.unit:
            return self.label
        bracketed = self.label.endswith(")")
        return f"{self.label}, {self.unit}" if bracketed else f"{self.label} ({self.unit})"

    @property
    def unit_of_differences(self) -> str:
        """Differences of percentages are points."""
        return "points" if self.unit == "%" else self.unit

    def spread(self, values: Sequence[float]) -> str:
        """Format as mean ± standard deviation, or a single value alone."""
        equal = len(set(values)) == 1 and self.split is None
        spread = "" if len(values) == 1 or equal else f" ± {self.written(stdev(values))}"
        return self.written(fmean(values)) + spread

    def difference(self, value: float) -> str:
        """Format a difference with its sign."""
        return signed(self.scale * value, self.digits)

    def written(self, value: float) -> str:
        """Format a value, or the size of a difference, in its unit."""
        return f"{self.scale * value:,.{self.digits}f}"


def _accuracy(split: Split) -> Callable[[Run], float | None]:
    return lambda run: getattr(getattr(run.summary, split), "accuracy", None)


def _loss(split: Split) -> Callable[[Run], float | None]:
    return lambda run: getattr(getattr(run.summary, split), "loss", None)


#: By which configurations can be ranked.
METRICS = {
    measure.name: measure
    for measure in (
        Measure("test_accuracy", "test accuracy", "%", _accuracy("test"), "test", False, 100.0, 2),
        Measure(
            "val_accuracy",
            "validation accuracy",
            "%",
            _accuracy("validation"),
            "validation",
            False,
            100.0,
            2,
        ),
        Measure("test_loss", "test loss", "nats", _loss("test"), "test", digits=4),
        Measure("val_loss", "validation loss", "nats", _loss("validation"), "validation", digits=4),
    )
}
#: What is shown beside them.
COSTS = {
    measure.name: measure
    for measure in (
        Measure("parameters", "parameters", "", lambda run: run.summary.parameters),
        Measure(
            "multiply_adds",
            "multiply-adds",
            "million",
            lambda run: run.summary.multiply_adds,
            scale=1e-6,
            digits=1,
        ),
        Measure("epochs", "epochs", "", lambda run: run.summary.epochs_trained),
        Measure(
            "training_seconds",
            "training time",
            "s",
            lambda run: run.summary.training_seconds,
            digits=1,
        ),
    )
}
