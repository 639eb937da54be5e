"""All cases, in the order of the table's rows."""

from __future__ import annotations

import dataclasses

from benchmarks.cases import (
    accelerator,
    auto_precision,
    epoch,
    evaluation,
    gradcam,
    input_pipeline,
    layers,
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
    training_scripts,
    training_step,
)
from benchmarks.measure import Case
from benchmarks.targets import TARGETS

MODULES = (
    training_step,
    auto_precision,
    matrix_rate,
    layers,
    epoch,
    training_scripts,
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
    """Returns all cases by name, with their targets."""
    return {
        case.name: dataclasses.replace(case, target=TARGETS.get(case.name))
        for module in MODULES
        for case in module.CASES
    }
