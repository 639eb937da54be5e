"""All cases, in the order of the table's rows."""

from __future__ import annotations

from benchmarks.cases import (
    accelerator,
    epoch,
    evaluation,
    gradcam,
    input_pipeline,
    listing,
    lr_finder,
    matrix_rate,
    memory,
    predicting,
    records,
    serving,
    start_up,
    sweeps,
    throughput,
    tiny_network,
    training_step,
)
from benchmarks.measure import Case

MODULES = (
    training_step,
    matrix_rate,
    epoch,
    input_pipeline,
    tiny_network,
    start_up,
    lr_finder,
    gradcam,
    evaluation,
    predicting,
    records,
    listing,
    sweeps,
    serving,
    memory,
    throughput,
    accelerator,
)


def all_cases() -> dict[str, Case]:
    """Returns all cases by name."""
    return {case.name: case for module in MODULES for case in module.CASES}
