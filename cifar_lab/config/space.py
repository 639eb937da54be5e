"""The jobs of a sweep: every combination of the values that its overrides list, in order."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod

from hydra.core.override_parser.types import RangeSweep

from cifar_lab.config.compose import Composer
from cifar_lab.config.overrides import parsed, refuse_too_many
from cifar_lab.nodes import HOOKS
from cifar_lab.refusal import Refusal
from cifar_lab.wording import shortened

#: Largest number of jobs of a sweep, all of which are checked before the first one runs.
MOST_JOBS = 10_000
#: The key whose values vary slowest, so that a sweep that is stopped half way compares all.
SEED = "seed"
#: Hydra's key for what the lab decides itself.
FOLDER_OF_A_JOB = "hydra.sweep.subdir"
#: Begins an override that varies several keys together.
PAIR = "pair="
#: How such an override is written, for messages.
PAIR_EXAMPLE = "pair=zip(model=choice(a,b),optimizer=choice(x,y))"

#: The overrides of one job, or of one alternative.
Words = tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """What a sweep was asked for.

    Attributes:
        overrides: each may list several values to combine with the rest.
        sets: lists of overrides in one string each, one of which every job uses as it stands.
        excluded: combinations to leave out, as overrides in one string each.
    """

    overrides: Words
    sets: Words = ()
    excluded: Words = ()


@dataclass(frozen=True)
class Space:
    """What a request asks for, read.

    Attributes:
        constant: overrides of all jobs.
        axes: what varies: each axis has alternatives, and each of these some overrides.
    """

    constant: Words
    axes: tuple[tuple[Words, ...], ...]

    def jobs(self) -> list[list[str]]:
        """The overrides of every job; the seed varies slowest, then the axes in their order."""
        seeds_first = sorted(self.axes, key=lambda axis: axis[0][0].partition("=")[0] != SEED)
        chosen = product(*seeds_first)
        return [[*self.constant, *(word for words in job for word in words)] for job in chosen]

    @property
    def varied(self) -> list[str]:
        """The keys that vary, in the order of the axes."""
        words = (word for axis in self.axes for words in axis for word in words)
        return list(dict.fromkeys(map(key_of, words)))


def read_space(composer: Composer, request: Request) -> Space:
    """Read a request.

    Raises:
        Refusal: with everything that cannot be read, lists no values or is given twice; or there
            are too many jobs.
    """
    refuse_too_many([*request.overrides, *request.sets])
    problems: list[str] = []
    constant: list[str] = []
    axes: list[tuple[Words, ...]] = []
    for text in request.overrides:
        if key_of(text) == FOLDER_OF_A_JOB:
            problems.append(
                f"{text}: the folder of each job is named by the values that differ; leave it out"
            )
            continue
        try:
            is_pair = text.startswith(PAIR)
            axis = _pairs(text, composer) if is_pair else alternatives(text, composer)
        except Refusal as refusal:
            problems += refusal.problems
            continue
        if len(axis) == 1:
            constant += axis[0]
        elif any(key_of(word).split(".")[0] == HOOKS for word in axis[0]):
            problems.append(
                f"{shortened(text)}: hooks only look on, so that the jobs would be the same; write "
                f"several hooks of each job as {HOOKS}=[…,…]"
            )
        else:
            axes.append(axis)
    sets = _sets(request.sets, composer, problems)
    if sets:
        axes.append(sets)
    varied = [key for axis in axes for key in {key_of(word) for words in axis for word in words}]
    problems += given_twice([*varied, *map(key_of, constant)], set(varied))
    if problems:
        raise Refusal(list(dict.fromkeys(problems)))
    if prod(map(len, axes)) > MOST_JOBS:
        raise Refusal(f"the sweep has more than {MOST_JOBS:,} jobs; list fewer values")
    return Space(tuple(constant), tuple(axes))


def key_of(override: str) -> str:
    """Return the key of an override, without the sign in front of it."""
    return override.partition("=")[0].lstrip("+~")


def alternatives(text: str, composer: Composer) -> tuple[Words, ...]:
    """Return the alternatives of one override: a word for each of its values.

    Raises:
        Refusal: it cannot be read, or lists no values or too many.
    """
    override = parsed(text, composer.loader)
    if not override.is_sweep_override():
        return ((text,),)
    shown = shortened(text)
    key = override.get_key_element()
    if not override.is_discrete_sweep():
        raise Refusal(
            f"{shown}: an interval lists no single values; name some, e.g. {key}=0,1, or search it "
            "with hydra/sweeper=search"
        )
    sweep = override.value()
    # A shuffled range would be listed completely before its first value.
    values: Iterable[object] = (
        sweep.range() if isinstance(sweep, RangeSweep) else override.sweep_string_iterator()
    )
    count = sum(1 for _ in islice(iter(values), MOST_JOBS + 1))
    if count == 0:
        raise Refusal(
            f"{shown}: lists no values, so there is no job to run; e.g. range(3) is 0, 1 and 2"
        )
    if count > MOST_JOBS:
        raise Refusal(f"the sweep has more than {MOST_JOBS:,} jobs; list fewer values")
    words = [f"{key}={value}" for value in override.sweep_string_iterator()]
    return tuple((word,) for word in dict.fromkeys(words))


def _pairs(text: str, composer: Composer) -> tuple[Words, ...]:
    """The alternatives of ``pair=zip(…)``: the first values of all keys, then the second ones."""
    shown, inner = shortened(text), text.removeprefix(PAIR).strip()
    if not (inner.startswith("zip(") and inner.endswith(")")):
        raise Refusal(f"{shown}: cannot be read; write {PAIR_EXAMPLE}")
    columns = [alternatives(word, composer) for word in split_at_commas(inner[4:-1])]
    if len({len(column) for column in columns}) > 1:
        counts = ", ".join(f"{key_of(column[0][0])} {len(column)}" for column in columns)
        raise Refusal(f"{shown}: its keys must list equally many values, got {counts}")
    return tuple(tuple(w for words in row for w in words) for row in zip(*columns, strict=True))


def _sets(sets: Sequence[str], composer: Composer, problems: list[str]) -> tuple[Words, ...]:
    """The alternatives of ``--set``; one that lists values is several."""
    found: list[Words] = []
    for text in sets:
        try:
            words = split_words(text)
            axes = [alternatives(word, composer) for word in words]
        except Refusal as refusal:
            problems += [f'--set "{shortened(text)}": {problem}' for problem in refusal.problems]
            continue
        found += [tuple(w for words in chosen for w in words) for chosen in product(*axes)]
    return tuple(dict.fromkeys(found))


def split_words(text: str) -> list[str]:
    """Split the overrides in one string at its spaces, as a shell would.

    Raises:
        Refusal: a quote is not closed.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Refusal(f"{shortened(text)}: a quote is not closed") from error


def split_at_commas(text: str) -> list[str]:
    """Split at the commas that stand in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        if character == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def given_twice(keys: Sequence[str], varied: set[str]) -> list[str]:
    """Name the keys that vary and are given elsewhere, too: which is to win cannot be known.

    Args:
        keys: of all overrides.
        varied: those that vary.
    """
    return [
        f"{key}: is given {keys.count(key)} times; give all of its values in one override"
        for key in dict.fromkeys(keys)
        if key in varied and keys.count(key) > 1
    ]
