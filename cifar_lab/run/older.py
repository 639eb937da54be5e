"""Converts what older versions wrote; no other module knows an older layout."""

from __future__ import annotations

from typing import Any

from cifar_lab.nodes import NO_MIXING

#: Targets from before each package had a public face, and their current names.
TARGETS = {
    f"cifar_lab.{old}": f"cifar_lab.{new}"
    for old, new in {
        "data.augment.AlternatingFlip": "data.AlternatingFlip",
        "data.augment.PadAndCrop": "data.PadAndCrop",
        "data.mixing.CutMix": "data.CutMix",
        "data.mixing.Mixup": "data.Mixup",
        "data.mixing.none": "data.no_mixing",
        "data.policies.rand_augment": "data.rand_augment",
        "data.policies.trivial_augment": "data.trivial_augment",
        "data.sources.Cifar10": "data.Cifar10",
        "data.sources.Cifar100": "data.Cifar100",
        "data.sources.Digits": "data.Digits",
        "data.sources.ImageFolder": "data.ImageFolder",
        "engine.lightning.LightningTrainer": "engine.LightningTrainer",
        "engine.lr_finder.RangeTest": "engine.RangeTest",
        "engine.trainer.Trainer": "engine.Trainer",
        "models.custom_resnet.CustomResNet": "models.CustomResNet",
        "models.resnet.ResNet18": "models.ResNet18",
        "models.three_block.ThreeBlockConvNet": "models.ThreeBlockConvNet",
        "models.timm_model.timm_model": "models.timm_model",
        "models.torchvision_model.torchvision_model": "models.torchvision_model",
        "optim.criteria.cross_entropy": "optim.cross_entropy",
        "optim.muon.muon": "optim.muon",
        "optim.optimizers.adam": "optim.adam",
        "optim.optimizers.adamw": "optim.adamw",
        "optim.optimizers.sgd": "optim.sgd",
        "optim.schedules.Constant": "optim.Constant",
        "optim.schedules.Cosine": "optim.Cosine",
        "optim.schedules.MultiStep": "optim.MultiStep",
        "optim.schedules.OneCycle": "optim.OneCycle",
        "optim.schedules.Triangular": "optim.Triangular",
        "optim.timm_optimizer.timm_optimizer": "optim.timm_optimizer",
        "report.options.ReportOptions": "report.ReportOptions",
    }.items()
}

#: Groups and keys that older configurations lack, with values that describe what those runs did.
ADDED: dict[str, dict[str, Any]] = {
    "dataset": {"sampling": "shuffled"},
    "criterion": {"class_weights": None},
    "mixing": {"_target_": NO_MIXING},
    # Those runs had no range tests, so that the settings do not matter.
    "lr_finder": {
        "_target_": "cifar_lab.engine.RangeTest",
        "start_lr": 1.0e-05,
        "end_lr": 10.0,
        "steps": 100,
        "spacing": "exponential",
        "smoothing": 0.05,
        "divergence": 5.0,
        "seeds": 3,
        "suggestion": "steepest",
    },
    "model": {"weights": None},
    "trainer": {"ema_warmup": False, "head_lr_factor": 1.0, "image_sizes": None},
    "report": {"gallery": "most_confident", "averaged_images": 1000},
    "hooks": {},
}

#: Root keys that are values and that older configurations lack, likewise.
ADDED_VALUES: dict[str, Any] = {"evaluate_test": True}

#: Keys that older nodes lack, by their target, with values that describe what those runs did.
ADDED_TO: dict[str, dict[str, Any]] = {
    "cifar_lab.data.ImageFolder": {
        "class_order": "alphabetical",
        "test_fraction": 0.2,  # those runs had a test folder, so that this does not matter
        "test_seed": 0,
        "copies_together": False,
    },
    "cifar_lab.optim.OneCycle": {
        "cycle_momentum": False,
        "base_momentum": 0.85,
        "max_momentum": 0.95,
    },
}

#: Keys that older files lack, by the class that represents the file, and what their absence means.
LACKING: dict[str, dict[str, Any]] = {
    "Status": {"ended": None, "resumed": [], "error": None, "traceback": None, "deaths": 0},
    "Provenance": {
        "processes": 1,
        "environment": {},
        "precision_probe": None,
        "fast_path": {},
        "differences": None,
        "replaced_options": [],
        "weights": None,
        "parent": None,
        "own_code": None,
    },
    "Code": {"git": None, "taken_from": None},
    "Summary": {
        "test_without_flips": None,
        "test_without_copies": None,
        "final": {},
        "evaluation_seconds": None,
        "work": None,
        "eager_because": None,
        "evaluated": "test",
    },
    "LrFinder": {"command": None},
    "Manifest": {"checksum": ""},
    "Trust": {"split": "test"},
}

#: Likewise of objects inside these files, by the key of the object.
LACKING_WITHIN: dict[str, dict[str, dict[str, Any]]] = {
    "Summary": {"validation": {"count": None, "wrong": None}},
}


def upgraded(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """Converts an object from a file without a format number to the current layout.

    Args:
        kind: name of the class that represents the file.
        value: content of the file.
    """
    inner = {
        key: {**lacking, **value[key]}
        for key, lacking in LACKING_WITHIN.get(kind, {}).items()
        if isinstance(value.get(key), dict)
    }
    return {**LACKING.get(kind, {}), **value, **inner}


def completed(config: dict[str, Any]) -> dict[str, Any]:
    """Adds the groups and keys that a configuration of an older version lacks."""
    groups = {group: config.get(group) or {} for group in ADDED}
    filled = {g: {**ADDED[g], **node} for g, node in groups.items() if isinstance(node, dict)}
    nodes = {
        group: {**node, **{k: v for k, v in ADDED_TO[node["_target_"]].items() if k not in node}}
        for group, node in {**config, **filled}.items()
        if isinstance(node, dict) and node.get("_target_") in ADDED_TO
    }
    return {**ADDED_VALUES, **config, **filled, **nodes}


def with_current_targets(value: Any) -> Any:
    """Replaces every ``_target_`` of an older version by its current name."""
    if isinstance(value, dict):
        return {
            key: TARGETS.get(inner, inner)
            if key == "_target_" and isinstance(inner, str)
            else with_current_targets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [with_current_targets(inner) for inner in value]
    return value


def last_step(epoch: int, trainer: dict[str, Any], steps_per_epoch: int) -> int:
    """Updates of the schedule until the end of an epoch, for rows of metrics.csv without them.

    Args:
        epoch: from 1.
        trainer: the group of the configuration.
        steps_per_epoch: updates in a whole epoch.
    """
    limit, together = trainer.get("limit_batches"), trainer.get("accumulate_batches") or 1
    updates = steps_per_epoch if limit is None else -(-int(limit) // int(together))
    return (epoch - 1) * steps_per_epoch + min(updates, steps_per_epoch)
