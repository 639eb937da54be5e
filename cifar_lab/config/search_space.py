"""What a search may choose from: intervals and ranges of numbers, and choices, by key."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from cifar_lab.config.compose import Composer
from cifar_lab.config.overrides import parsed, refuse_too_many
from cifar_lab.config.space import PAIR, SEED, Request, Words, alternatives, given_twice, key_of
from cifar_lab.refusal import Refusal
from cifar_lab.wording import shortened

#: The only tag that a search understands: numbers are drawn on a logarithmic scale.
LOG = "log"
#: How a search space is written, for messages.
EXAMPLE = "'optimizer.lr=tag(log,interval(1e-3,1e-1))'"


@dataclass(frozen=True)
class Numbers:
    """Numbers that a key may have.

    Attributes:
        key: as it was written, with the sign in front of it.
        low: the smallest one.
        high: the largest one.
        step: from one to the next, counted from ``low``; None if every one in between is allowed.
        whole: whether they are integers.
        log: whether they are searched on a logarithmic scale.
    """

    key: str
    low: float
    high: float
    step: float | None
    whole: bool
    log: bool

    @property
    def corners(self) -> tuple[str, ...]:
        """The smallest and the largest number."""
        return self.text(self.low), self.text(self.high)

    def text(self, value: float) -> str:
        """Write a number for an override, rounded to six digits, so that it is short."""
        if self.whole:
            return str(int(value))
        rounded = f"{value:.6g}"
        return rounded if self.low <= float(rounded) <= self.high else repr(value)

    def value(self, text: str) -> float:
        """Read what :meth:`text` wrote."""
        return int(text) if self.whole else float(text)


@dataclass(frozen=True)
class Choices:
    """Values that a key may have, without an order.

    Attributes:
        key: as it was written, with the sign in front of it.
        corners: the text of each value.
    """

    key: str
    corners: tuple[str, ...]

    def text(self, value: str) -> str:
        """Return a value as it is."""
        return value

    def value(self, text: str) -> str:
        """Likewise."""
        return text


Dimension = Numbers | Choices


@dataclass(frozen=True)
class SearchSpace:
    """What a search was asked for, read.

    Attributes:
        constant: overrides of all trials.
        dimensions: what a trial may choose.
        written: the text of each dimension, by its key, in Hydra's syntax.
    """

    constant: Words
    dimensions: tuple[Dimension, ...]
    written: dict[str, str]

    def corners(self) -> list[dict[str, str]]:
        """Some points at the edges: all smallest numbers, all largest ones, each choice once."""
        count = max(len(each.corners) for each in self.dimensions)
        return [
            {each.key: each.corners[n % len(each.corners)] for each in self.dimensions}
            for n in range(count)
        ]


def read_search_space(composer: Composer, request: Request) -> SearchSpace:
    """Read the overrides of a search.

    Raises:
        Refusal: with everything that cannot be read or searched, or is given twice; or nothing
            varies.
    """
    refuse_too_many([*request.overrides, *request.sets])
    refused = [f'--set "{text}"' for text in request.sets]
    refused += [f'--exclude "{text}"' for text in request.excluded]
    refused += [shortened(text) for text in request.overrides if text.startswith(PAIR)]
    problems = [f"{text}: a search varies each key by itself; leave it out" for text in refused]
    constant: list[str] = []
    dimensions: dict[str, Dimension] = {}
    for text in request.overrides:
        if text.startswith(PAIR):
            continue
        try:
            read = _dimension(text, composer)
        except Refusal as refusal:
            problems += refusal.problems
            continue
        if isinstance(read, str):
            constant.append(read)
        else:
            dimensions[text] = read
    varied = [key_of(text) for text in dimensions]
    problems += given_twice([*varied, *map(key_of, constant)], set(varied))
    if problems:
        raise Refusal(list(dict.fromkeys(problems)))
    if not dimensions:
        raise Refusal(
            "a search needs at least one key to choose a value for, on the command line or in "
            f"hydra.sweeper.params of an experiment; e.g. {EXAMPLE}"
        )
    written = {each.key: text.partition("=")[2] for text, each in dimensions.items()}
    return SearchSpace(tuple(constant), tuple(dimensions.values()), written)


def _dimension(text: str, composer: Composer) -> Dimension | str:
    """What an override lets a search choose; or the override itself, if it has a single value."""
    override = parsed(text, composer.loader)
    if not override.is_sweep_override():
        return text
    shown, key, sweep = shortened(text), override.get_key_element(), override.value()
    unknown = sorted(set(getattr(sweep, "tags", ())) - {LOG})
    if unknown:
        raise Refusal(f"{shown}: the tag '{unknown[0]}' means nothing to a search; only log does")
    if isinstance(sweep, IntervalSweep):
        found: Dimension = _interval(shown, key, sweep)
    elif isinstance(sweep, RangeSweep):
        found = _range(shown, key, sweep)
    else:
        found = Choices(key, _choices(text, override, composer))
    if len(set(found.corners)) == 1:
        return f"{key}={found.corners[0]}"
    if key_of(text) == SEED:
        raise Refusal(
            f"{shown}: a search over seeds would choose a lucky one; give one seed, and train the "
            "best trial with several seeds afterwards"
        )
    return found


def _interval(shown: str, key: str, sweep: IntervalSweep) -> Numbers:
    low, high, log = sweep.start, sweep.end, LOG in sweep.tags
    assert low is not None
    assert high is not None
    if not (isfinite(low) and isfinite(high) and low < high):
        raise Refusal(f"{shown}: must be an interval from a smaller to a larger finite number")
    if log and low <= 0:
        raise Refusal(f"{shown}: a logarithmic scale needs positive numbers; begin above zero")
    whole = isinstance(low, int) and isinstance(high, int)
    return Numbers(key, low, high, 1 if whole and not log else None, whole, log)


def _range(shown: str, key: str, sweep: RangeSweep) -> Numbers:
    if LOG in sweep.tags:
        raise Refusal(
            f"{shown}: log needs an interval; write {key}=tag(log,int(interval(LOW,HIGH))) for "
            "whole numbers"
        )
    start, stop, step = sweep.start, sweep.stop, sweep.step
    assert start is not None
    assert stop is not None
    count = max(0, -int((start - stop) / step // 1)) if step else 0
    if count < 1:
        raise Refusal(f"{shown}: lists no values; e.g. range(16,65,16) is 16, 32, 48 and 64")
    last = start + (count - 1) * step
    low, high = sorted((start, last if isinstance(last, int) else float(f"{last:.12g}")))
    whole = all(isinstance(each, int) for each in (start, stop, step))
    return Numbers(key, low, high, abs(step), whole, log=False)


def _choices(text: str, override: Override, composer: Composer) -> tuple[str, ...]:
    if LOG in getattr(override.value(), "tags", ()):
        raise Refusal(f"{shortened(text)}: log needs an interval, not a choice")
    return tuple(words[0].partition("=")[2] for words in alternatives(text, composer))
