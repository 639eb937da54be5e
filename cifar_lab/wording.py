"""Numbers as a report writes them."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_lab.analysis.intervals import Interval


def percent(share: float) -> str:
    """``90.71 %``."""
    return f"{100 * share:.2f} %"


def points(difference: float) -> str:
    """``+0.12 points`` or ``−0.12 points``, of shares in 0 … 1."""
    return f"{100 * difference:+.2f} points".replace("-", "−")


def with_interval(found: Interval) -> str:
    """``90.7 % (90.1 to 91.3)``."""
    return f"{100 * found.share:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"


def duration(seconds: float) -> str:
    """``8.0 s``, ``2 min 3 s`` or ``1 h 5 min``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def several(words: Sequence[str]) -> str:
    """``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def plural(count: int, one: str, many: str) -> str:
    """``1 epoch`` or ``1,200 epochs``."""
    return f"{count:,} {one if count == 1 else many}"
