"""A run's network, ready for images that somebody hands over."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifar_lab import assembly
from cifar_lab.analysis.predictions import energies
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.usage import TYPICAL_SHARE, Usage
from cifar_lab.own_code import OwnCode
from cifar_lab.recipe.open import built_network, checked
from cifar_lab.refusal import Refusal
from cifar_lab.run.record import Run


def classifier(run: Run, own: OwnCode | None = None, device: str = "cpu") -> Classifier:
    """Open a run's network from its folder alone.

    Raises:
        Refusal: as :func:`cifar_lab.recipe.open.network`.
    """
    config = checked(run, own)
    return Classifier(built_network(run, config, device), usage_of(run, config))


def device_for(run: Run | None, named: str | None) -> str:
    """Return the name of the device to compute on.

    Args:
        run: that trained the network; None for a bundle, which does not say where it was evaluated.
        named: by the user; None for that of the run if this machine has it, else the CPU.

    Raises:
        Refusal: this machine has no such device, or it cannot be used.
    """
    if named is not None:
        return str(assembly.device(named))
    try:
        return str(assembly.device("cpu" if run is None else run.provenance.device))
    except Refusal:
        return "cpu"


def usage_of(run: Run, config: dict[str, Any]) -> Usage:
    """Describe how a run's network is used: as it was evaluated.

    Args:
        run: a finished run.
        config: of the run, as :func:`cifar_lab.recipe.open.checked` returns it.
    """
    trainer, layers = config["trainer"], config["report"]["gradcam_layer"]
    first = layers[0] if isinstance(layers, list) and layers else layers
    validation = run.predictions.validation
    found = energies(validation.logits) if validation is not None else np.zeros(0)
    typical = found[np.isfinite(found)]
    return Usage(
        class_names=run.data.class_names,
        image_size=run.data.image_size,
        mean=run.data.mean,
        std=run.data.std,
        precision="bfloat16" if run.provenance.precision == "bfloat16" else "float32",
        flips=trainer["test_time_flips"],
        channels_last=trainer["channels_last"],
        batch_size=trainer["eval_batch_size"],
        threads=run.provenance.threads,
        layer=first or None,
        energy_limit=float(np.quantile(typical, TYPICAL_SHARE)) if len(typical) else None,
        energy_images=len(typical),
    )
