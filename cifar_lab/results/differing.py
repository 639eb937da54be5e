"""What distinguishes configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_lab.nodes import ABSENT, FIND, PLACES, shown, type_name
from cifar_lab.results.recorded import WITHOUT_EFFECT

#: Of a run that was extended, what says no more than its path to a reader.
OF_A_PARENT = ("extends.id", "extends.checkpoint", "extends.recipe")
#: Longest name of a configuration that is made of its values, in characters.
LONGEST_NAME = 48
#: How many keys a name may state of every configuration; beyond, only what the first does not have.
STATED = 2
#: Name of the first configuration where the names of the others state what it does not have.
FIRST = "baseline"


@dataclass(frozen=True)
class Differing:
    """A key whose value is not the same in all configurations.

    Attributes:
        key: dotted.
        values: text of each configuration's value; a node is a call.
        short: likewise, but only the name of a node where that tells all of them apart.
    """

    key: str
    values: tuple[str, ...]
    short: tuple[str, ...]


def differing(configs: Sequence[Mapping[str, Any]]) -> list[Differing]:
    """List the keys that differ. Nodes with different targets are one difference.

    Seeds, places and what a report shows do not count.

    Args:
        configs: as plain values, one per configuration.
    """
    idle = all(config.get("scheduler", {}).get("max_lr") != FIND for config in configs)
    skipped = {*WITHOUT_EFFECT, *PLACES, *OF_A_PARENT, *(["lr_finder"] if idle else [])}
    return list(_below("", configs, skipped))


def _below(
    prefix: str, nodes: Sequence[Mapping[str, Any]], skipped: set[str]
) -> Iterator[Differing]:
    for key in dict.fromkeys(key for node in nodes for key in node):
        path, values = f"{prefix}{key}", [node.get(key, ABSENT) for node in nodes]
        if path in skipped or all(value == values[0] for value in values):
            continue
        if all(isinstance(value, dict) for value in values) and (
            len({value.get("_target_") for value in values}) == 1
        ):
            yield from _below(f"{path}.", values, skipped)
        else:
            yield _difference(path, values)


def _difference(key: str, values: Sequence[Any]) -> Differing:
    texts = tuple(shown(value) for value in values)
    names = tuple(
        type_name(value) if isinstance(value, dict) and "_target_" in value else shown(value)
        for value in values
    )
    told_apart = len(set(names)) == len(set(texts))
    return Differing(key, texts, names if told_apart else texts)


def names(found: Sequence[Differing], count: int, first: int = 0) -> list[str]:
    """Name configurations by what distinguishes them, or with letters where that is too long.

    Args:
        found: what differs between them.
        count: number of configurations.
        first: the one that the others are compared with.
    """
    # Whoever compares recipes gives them names as well, which say less than the values.
    found = [each for each in found if each.key != "name"] or found
    keys = _short_keys([each.key for each in found])
    named = []
    for number in range(count):
        stated = [
            f"{key}={each.short[number]}"
            for key, each in zip(keys, found, strict=True)
            if len(found) <= STATED or each.short[number] != each.short[first]
        ]
        named.append(", ".join(stated) or FIRST)
    if len(set(named)) == count and max(map(len, named)) <= LONGEST_NAME:
        return named
    return [letters(number) for number in range(count)]


def letters(number: int) -> str:
    """A, B, …, Z, AA, AB, … from 0."""
    before, last = divmod(number, 26)
    return (letters(before - 1) if before else "") + chr(ord("A") + last)


def _short_keys(keys: Sequence[str]) -> list[str]:
    """The last part of each key where no other ends in the same, else the whole key."""
    ends = [key.rpartition(".")[2] for key in keys]
    return [end if ends.count(end) == 1 else key for key, end in zip(keys, ends, strict=True)]
