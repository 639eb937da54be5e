"""How far maps can be trusted: the table that ``explain RUN --trust`` measured, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifar_lab.explain.attribution import NAMES
from cifar_lab.report.blocks import Block, Table, Text
from cifar_lab.run.trust import OrderScore, Trust
from cifar_lab.wording import several

#: Orders that know nothing of the network, in words.
PRIORS = {
    "random": "a random order",
    "centre": "a bare centre prior",
    "edges": "the strength of edges",
}
#: Standard errors by which two scores must differ to count as different.
ERRORS = 2.0
#: Rank correlation with the maps of random weights from which maps show the image, not the network.
SIMILAR = 0.5

#: Said where nothing was measured.
UNTRUSTED = Text(
    "How far these maps can be trusted was not measured: `cifar-lab explain RUN --trust` compares "
    "them with maps that know nothing of the network, and adds a verdict here."
)


def in_short(found: Trust) -> Text:
    """The verdict in a sentence or two, for the head of the section."""
    clear, unclear = _sorted(found)
    doubtful, _ = concluded(found)
    told = [f"{several([named(m) for m in clear])} can be relied on here"] if clear else []
    told += [f"do not rely on {several([named(m) for m in unclear])}"] if unclear else []
    if abs(found.randomised) >= SIMILAR:
        told.append(f"{named(found.method)} depends little on what was learned")
    sentence = "; ".join(told)
    return Text(
        f"Can these maps be trusted? {sentence[0].upper()}{sentence[1:]} (at {found.layer}, over "
        f"{found.images:,} {found.split} images). The measurements and the full verdict are at the "
        "end of this section.",
        warning=doubtful,
    )


def trust(found: Trust) -> list[Block]:
    """The measurements as a table, and what follows from them."""
    rows = [
        [
            named(each.order),
            f"{each.deletion:.3f} ± {each.deletion_error:.3f}",
            f"{each.insertion:.3f} ± {each.insertion_error:.3f}",
        ]
        for each in found.orders
    ]
    header = ("cells ordered by", "deletion (lower is better)", "insertion (higher is better)")
    doubtful, verdict = concluded(found)
    return [
        Text(
            f"How far {named(found.method)} at {found.layer} can be trusted, over "
            f"{found.images:,} fixed {found.split} images: the mean probability of the predicted "
            "class, with its standard error, as cells are covered with the mean colour (deletion) "
            "or uncovered (insertion), one after another. With all weights re-initialised, the "
            f"maps have a rank correlation of {_correlation(found)} with those shown (0 means "
            "that they depend entirely on what was learned)."
        ),
        Table(header, rows),
        Text(f"Verdict: {verdict}", warning=doubtful),
    ]


def _correlation(found: Trust) -> str:
    return f"{found.randomised:.2f}".replace("-", "−")


def concluded(found: Trust) -> tuple[bool, str]:
    """Whether the maps are in doubt, and the verdict in words, from the table's numbers alone.

    Scores count as different if they differ by more than two standard errors of their difference,
    taken as independent, which is cautious: they are of the same images.
    """
    methods, priors, outcomes = _compared_with_priors(found)
    clear, _ = _sorted(found)
    sentences = [_reliable(clear, priors)] if clear else []
    sentences += [_doubted(m, found) for m, found in outcomes.items() if m not in clear]
    sentences += [_beside(other, methods[0]) for other in methods[1:]]
    similar = abs(found.randomised) >= SIMILAR
    if similar:
        sentences.append(
            f"With random weights, the maps of {named(found.method)} stay similar (rank "
            f"correlation {_correlation(found)}): they show the image more than what was learned."
        )
    sentences.append(f"(Differences of at most {ERRORS:.0f} standard errors are not counted.)")
    return len(clear) < len(methods) or similar, " ".join(sentences)


def named(order: str) -> str:
    """An order of cells as people write it."""
    return NAMES.get(order) or {"centre": "distance from the centre"}.get(order, order)


def _compared_with_priors(
    found: Trust,
) -> tuple[list[OrderScore], list[OrderScore], dict[str, dict[tuple[str, str], int]]]:
    """The methods, the orders that know nothing, and how each method compares with those."""
    methods = [each for each in found.orders if each.order not in PRIORS]
    priors = [each for each in found.orders if each.order in PRIORS]
    return methods, priors, {method.order: _outcomes(method, priors) for method in methods}


def _sorted(found: Trust) -> tuple[list[str], list[str]]:
    """The methods that are clearly better than every order that knows nothing, and the others."""
    _, _, outcomes = _compared_with_priors(found)
    clear = [m for m, of in outcomes.items() if all(outcome > 0 for outcome in of.values())]
    return clear, [m for m in outcomes if m not in clear]


def _outcomes(method: OrderScore, priors: Sequence[OrderScore]) -> dict[tuple[str, str], int]:
    """How a method compares with every prior, by prior and measure."""
    return {
        (prior.order, measure): _compared(method, prior, measure)
        for prior in priors
        for measure in ("deletion", "insertion")
    }


def _reliable(methods: Sequence[str], priors: Sequence[OrderScore]) -> str:
    """A sentence on methods that are clearly better than every prior."""
    one = len(methods) == 1
    return (
        f"{several([named(method) for method in methods])} {'finds' if one else 'find'} cells that "
        f"these predictions depend on: {'it is' if one else 'each is'} better than "
        f"{several([PRIORS[prior.order] for prior in priors])}, in deletion and in insertion."
    )


def _doubted(method: str, outcomes: dict[tuple[str, str], int]) -> str:
    """A sentence on a method that is not."""
    beaten, tied = _listed(outcomes, -1), _listed(outcomes, 0)
    if beaten:
        also = f" It is not clearly better than {several(tied)}." if tied else ""
        find = "find" if len(beaten) > 1 else "finds"
        return (
            f"Do not rely on {named(method)} here: {several(beaten)} {find} the cells that matter "
            f"better, without knowing anything of the network.{also}"
        )
    return (
        f"{named(method)} is not shown to find the cells that these predictions depend on: it is "
        f"not clearly better than {several(tied)}."
    )


def _beside(other: OrderScore, first: OrderScore) -> str:
    """A sentence on how another method compares with the first."""
    outcomes = {m: _compared(first, other, m) for m in ("deletion", "insertion")}
    better = [measure for measure, outcome in outcomes.items() if outcome > 0]
    worse = [measure for measure, outcome in outcomes.items() if outcome < 0]
    pair = f"{named(first.order)} is", f"{named(other.order)}"
    told = [
        f"{word} than {pair[1]} in {several(measures)}"
        for word, measures in (("better", better), ("worse", worse))
        if measures
    ]
    return f"{pair[0]} {several(told) or f'not clearly better or worse than {pair[1]}'}."


def _compared(method: OrderScore, prior: OrderScore, measure: str) -> int:
    """1 if the method is clearly better, -1 if it is clearly worse, 0 if neither is clear."""
    gain = getattr(method, measure) - getattr(prior, measure)
    if measure == "deletion":
        gain = -gain
    error = np.hypot(getattr(method, f"{measure}_error"), getattr(prior, f"{measure}_error"))
    return int(gain > ERRORS * error) - int(gain < -ERRORS * error)


def _listed(outcomes: dict[tuple[str, str], int], wanted: int) -> list[str]:
    """Each prior with the measures in which it has the wanted outcome."""
    measures: dict[str, list[str]] = {}
    for (prior, measure), outcome in outcomes.items():
        if outcome == wanted:
            measures.setdefault(prior, []).append(measure)
    return [f"{PRIORS[prior]} (in {several(found)})" for prior, found in measures.items()]
