"""Exceptions whose message is all the user needs to see, and helpers to word messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from cifar_lab.wording import several

#: Least similarity of two words' ends, of 1; two letters in the wrong order are 0.5 alike.
LEAST_ALIKE = 0.5
#: How many more similar words to consider, of which some are similar in their beginnings alone.
CANDIDATES = 10


def in_our_words(message: str) -> str:
    """Rewrite Pydantic's "Input should be …" as "must be …"."""
    return (
        message.replace("Input should", "must")
        .replace("must be less than inf", "must be a finite number")
        .removeprefix("Value error, ")
    )


def reasons(errors: Iterable[Mapping[str, Any]]) -> str:
    """Join the reasons that Pydantic gives for one wrong value, in our words.

    Args:
        errors: details of a validation error, as Pydantic returns them.
    """
    details = list(errors)
    deepest = max(len(each["loc"]) for each in details)
    # A list whose items are wrong also counts as one without items.
    kept = [
        each
        for each in details
        if each["type"] != "too_short"
        or each["ctx"]["actual_length"]
        or len(each["loc"]) == deepest
    ]
    return " or ".join(dict.fromkeys(map(_reason, kept)))


def _reason(detail: Mapping[str, Any]) -> str:
    kind, limits = detail["type"], detail.get("ctx", {})
    if kind == "missing":  # an item of a tuple
        return f"must have at least {int(detail['loc'][-1]) + 1} items, got {detail['loc'][-1]}"
    if kind == "too_short":
        return f"must have at least {limits['min_length']} items, got {limits['actual_length']}"
    if kind == "too_long":
        return f"must have at most {limits['max_length']} items, got {limits['actual_length']}"
    if kind in ("tuple_type", "list_type"):
        return "must be a list, e.g. [1,2]"
    if kind == "dict_type":
        return "must hold keys and values, e.g. {a: 1}"
    return in_our_words(detail["msg"]).partition(", unable to parse")[0]


def missing_packages(what: str, packages: Iterable[str], extra: str) -> list[str]:
    """Return, as a problem, which packages are not installed; empty if all are.

    Args:
        what: needs them, e.g. a verb.
        packages: names under which they are imported.
        extra: of this project that installs them.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if not missing:
        return []
    are = "is" if len(missing) == 1 else "are"
    return [
        f"{what} needs {several(missing)}, which {are} not installed: "
        f"pip install 'cifar-lab[{extra}]'"
    ]


def did_you_mean(
    word: str,
    words: Iterable[str],
    most: int = 1,
    quote: str = "'",
    otherwise: Sequence[str] = (),
) -> str:
    """Return ``; did you mean 'x'?`` for an unknown word; empty if no allowed word is similar.

    Of dotted words, what follows their common parts must be similar, too.

    Args:
        word: the unknown word.
        words: the allowed words.
        most: how many similar words to suggest at most, joined by "or".
        quote: placed on either side of each suggestion.
        otherwise: suggestions to use if no allowed word is similar.
    """
    near = difflib.get_close_matches(word, list(words), n=most + CANDIDATES)
    found = [each for each in near if _ends_alike(word, each)][:most] or otherwise
    named = " or ".join(f"{quote}{candidate}{quote}" for candidate in found)
    return f"; did you mean {named}?" if named else ""


def _ends_alike(word: str, candidate: str) -> bool:
    """Whether two words are similar even without the first dotted parts that they share."""
    ours, theirs = word.split("."), candidate.split(".")
    while ours and theirs and ours[0] == theirs[0]:
        del ours[0], theirs[0]
    matcher = difflib.SequenceMatcher(None, ".".join(ours), ".".join(theirs))
    return not ours or not theirs or matcher.ratio() >= LEAST_ALIKE


class Refusal(ValueError):
    """Invalid input; the command line prints one problem per line and exits with status 2.

    Args:
        problems: one sentence per problem: what was given, what is allowed and what to do.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class RunFailed(RuntimeError):
    """A run failed for the reason in its message; the command line exits with status 1."""
