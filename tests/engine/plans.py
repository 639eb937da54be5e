"""The training plan used by the engine tests."""

from __future__ import annotations

from typing import Any

from cifar_lab.engine.plan import Plan


def make_plan(**changes: Any) -> Plan:
    """Two epochs in batches of four, with everything else disabled, unless changed."""
    settings: dict[str, Any] = {
        "epochs": 2,
        "batch_size": 4,
        "accumulate_batches": 1,
        "clip_gradient_norm": None,
        "ema_decay": None,
        "ema_warmup": True,
        "freeze_after_epochs": {},
        "image_sizes": None,
        "early_stopping_patience": None,
        "max_minutes": None,
        "limit_batches": None,
        "limit_epochs": None,
        "test_every_epoch": False,
        "captured_step": True,
        "compile": False,
    }
    return Plan(**(settings | changes))
