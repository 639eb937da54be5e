"""lr_finder.json: what range tests of the learning rate found."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, get_args

from cifar_lab.engine.lr_finder import Curve, RangeTest
from cifar_lab.engine.lr_suggestions import Rule, spread, suggestions

#: How each rule is called where people read it.
RULE_NAMES: dict[str, str] = {
    "steepest": "steepest descent",
    "valley": "valley",
    "minimum_over_ten": "minimum / 10",
}


def finding(test: RangeTest, curves: Mapping[int, Curve]) -> dict[str, Any]:
    """The record of range tests.

    Args:
        test: how they were made.
        curves: of each seed.

    Returns:
        ``max_lr``, the learning rate to take, and the ``override`` that takes it, both None where
        no seed suggests one; ``settings``; of each rule the median of its ``suggestions`` over the
        seeds with the ``lowest``, the ``highest`` and how many ``seeds`` have one, or None; of each
        of the ``seeds`` its own suggestions and its curve.
    """
    seeds = [
        {
            "seed": seed,
            "suggestions": suggestions(curve.learning_rates, curve.smoothed),
            **curve._asdict(),
        }
        for seed, curve in curves.items()
    ]
    spreads = {
        rule: spread([each["suggestions"][rule] for each in seeds]) for rule in get_args(Rule)
    }
    chosen = spreads[test.suggestion]
    # Three digits, as the override has it: what is found and what is pasted is one number.
    max_lr = None if chosen is None else float(f"{chosen.median:.3g}")
    return {
        "max_lr": max_lr,
        "override": None if max_lr is None else f"scheduler.max_lr={max_lr:.3g}",
        "settings": dataclasses.asdict(test),
        "suggestions": {rule: found and found._asdict() for rule, found in spreads.items()},
        "seeds": seeds,
    }


def table(found: dict[str, Any]) -> str:
    """The suggestions of every seed, their medians and their range, for the terminal."""
    spreads = found["suggestions"]
    rows = [["seed", *(RULE_NAMES[rule] for rule in spreads)]]
    for each in found["seeds"]:
        rows.append([str(each["seed"]), *(rate(each["suggestions"][rule]) for rule in spreads)])
    rows.append(["median", *(rate(s and s["median"]) for s in spreads.values())])
    rows.append(["from", *(rate(s and s["lowest"]) for s in spreads.values())])
    rows.append(["to", *(rate(s and s["highest"]) for s in spreads.values())])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def nothing_found(test: RangeTest) -> str:
    """Why there is no learning rate to take, and what to do."""
    return (
        f"no learning rate was found: between {test.start_lr:g} and {test.end_lr:g} the loss of no "
        f"seed fell so that {RULE_NAMES[test.suggestion]} suggests one; set scheduler.max_lr to a "
        "number, or change lr_finder.start_lr, lr_finder.end_lr, lr_finder.steps or "
        "lr_finder.suggestion"
    )


def rate(learning_rate: float | None) -> str:
    """A learning rate in three digits."""
    return "none" if learning_rate is None else f"{learning_rate:.3g}"
