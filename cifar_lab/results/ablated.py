"""What the pieces of an ablation are worth: the baseline's accuracy with and without each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import mean

from cifar_lab.analysis.baseline import against_baseline
from cifar_lab.results.leaderboard import Entry, Leaderboard


@dataclass(frozen=True)
class Piece:
    """A piece that was taken away, or added alone.

    Attributes:
        name: of the piece.
        entry: the configuration without it.
        difference: to the baseline's mean validation accuracy, in points.
        low: lower bound of its interval; NaN if there is none.
        high: upper bound.
        clear: whether the interval excludes 0.
    """

    name: str
    entry: Entry
    difference: float
    low: float
    high: float
    clear: bool


@dataclass(frozen=True)
class Ablated:
    """An ablation: its baseline and its pieces, those first whose absence costs most."""

    baseline: Entry
    pieces: tuple[Piece, ...]

    @property
    def key(self) -> str:
        """What the pieces are listed under: ``without`` or ``with only``."""
        return next(iter(self.baseline.values))


def ablated(board: Leaderboard) -> Ablated | None:
    """Compare each variant with the baseline by Dunnett's two-sided intervals.

    Returns:
        None if the sweep is not an ablation, or as long as there is nothing to compare.
    """
    entries = [entry for entry in board.entries if entry.validation]
    baseline = next((e for e in entries if e.configuration == board.plan.baseline), None)
    variants = [entry for entry in entries if entry is not baseline]
    if baseline is None or not variants or len(board.rankings) != 1:
        return None
    effects = against_baseline(baseline.validation, [each.validation for each in variants])
    pieces = []
    for number, entry in enumerate(variants):
        (name,) = entry.values.values()
        difference = mean(entry.validation) - mean(baseline.validation)
        low, high, clear = math.nan, math.nan, False
        if effects is not None:
            low, high, clear = effects[number].low, effects[number].high, effects[number].clear
        pieces.append(Piece(name, entry, difference, low, high, clear))
    return Ablated(baseline, tuple(sorted(pieces, key=lambda piece: piece.difference)))


def told(found: Ablated) -> list[str]:
    """Say which pieces matter, a sentence each, in their order."""
    sentences = []
    for piece in found.pieces:
        verb = "Leaving out" if found.key == "without" else "With only"
        change = signed(piece.difference)
        if math.isnan(piece.low):
            sentences.append(f"{verb} {piece.name}: {change} points; one seed gives no interval.")
            continue
        interval = f"{signed(piece.low)} to {signed(piece.high)}"
        clear = "clearly different" if piece.clear else "within noise of the baseline"
        sentences.append(f"{verb} {piece.name}: {change} points ({interval}), {clear}.")
    return sentences


def signed(points: float) -> str:
    """Format a difference in points as ``+0.12`` or ``−0.12``."""
    return f"{points:+.2f}".replace("-", "−")
