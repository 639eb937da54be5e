"""What can and cannot be concluded from a sweep, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import mean, stdev

from cifar_lab.analysis.power import optimism, smallest_difference
from cifar_lab.results.leaderboard import SEED, Entry, Leaderboard, Ranking
from cifar_lab.wording import plural, several

#: A swept range has an edge from so many values on.
A_RANGE = 3


def findings(board: Leaderboard) -> list[str]:
    """Say what the leaderboard shows, a sentence or two for each finding."""
    found = list(_of_test(board))
    if len(board.rankings) > 1:
        found.append(_not_comparable(board))
    for ranking in board.rankings:
        if ranking.noise is not None:
            found += _of_ranking(board, ranking)
    if not board.plan.ranked and board.plan.kind == "sweep" and len(board.entries) > 1:
        found.append("Nothing is ranked here, as sweep.rank=false; rows are in their order.")
    return found


def _of_test(board: Leaderboard) -> Iterator[str]:
    plan = board.plan
    if plan.kind == "confirmation":
        entries, chosen = board.entries, plan.chosen_from
        yield (
            f"A confirmation: {plural(len(entries), 'configuration', 'configurations')} of the "
            f"{chosen} that the sweep compared, run again with new seeds. It chooses nothing. "
            "These test accuracies, and no others of the sweep, may be quoted."
        )
    elif plan.test == "closed":
        yield (
            "The test set stays closed: configurations are compared by validation images. "
            "`cifar-lab confirm` runs the best again with new seeds and evaluates the test images."
        )
    else:
        yield f"The jobs evaluate the test images, as {plan.test_because.removeprefix('as ')}."
    if not plan.ranked and len(board.entries) == 1:
        (entry,) = board.entries
        for name, values in (("test", entry.test), ("validation", entry.validation)):
            if values:
                yield f"{name.capitalize()} accuracy: {mean_sd_n(values)}."


def _not_comparable(board: Leaderboard) -> str:
    names = [name for name in board.rankings[0].judged_by if _differs(board, name)]
    return (
        f"The configurations are judged differently ({several(names)}), so each group has a "
        "ranking of its own, and none is the best of all."
    )


def _differs(board: Leaderboard, name: str) -> bool:
    return len({ranking.judged_by.get(name) for ranking in board.rankings}) > 1


def _of_ranking(board: Leaderboard, ranking: Ranking) -> Iterator[str]:
    best, noise = ranking.entries[0], ranking.noise
    assert noise is not None
    if noise.marked:
        others = [entry for entry in ranking.entries[1:] if entry.within_noise]
        count = plural(len(others), "other is", "others are")
        yield (
            f"The best by validation is {best.name}: {mean_sd_n(best.validation)}. "
            + (f"{count} within noise of it" if others else "No other is within noise of it")
            + " (Dunnett's one-sided comparison with the best at 95 %, with the deviation "
            f"pooled over {plural(len(noise.near), 'configuration', 'configurations')} near it)."
        )
    else:
        yield (
            f"The best by validation is {best.name}: {mean_sd_n(best.validation)}. What is within "
            f"noise of it cannot be said, as {noise.why_not}."
        )
    if noise.deviation is not None:
        yield from _of_size(ranking, noise.deviation)
    yield from _at_edges(board, ranking, best)


def _of_size(ranking: Ranking, deviation: float) -> Iterator[str]:
    runs = min(len(entry.rows) for entry in ranking.entries)
    least = smallest_difference(deviation, runs)
    if least is not None:
        yield (
            f"Runs with different seeds deviate by {deviation:.2f} points. With "
            f"{plural(runs, 'seed', 'seeds')} each, a difference of {least:.2f} points between two "
            "configurations is seen with 80 % power; smaller ones may be missed."
        )
    yield from _flattering(ranking, deviation)


def optimism_of(board: Leaderboard) -> list[str]:
    """Say by how much the best of a sweep is expected to look better than it is."""
    return [
        sentence
        for ranking in board.rankings
        if ranking.noise is not None and ranking.noise.deviation is not None
        for sentence in _flattering(ranking, ranking.noise.deviation)
    ]


def _flattering(ranking: Ranking, deviation: float) -> Iterator[str]:
    count = len(ranking.entries)
    if count > 1:
        runs = min(len(entry.rows) for entry in ranking.entries)
        yield (
            f"The best of {count} is expected to look up to "
            f"{optimism(deviation, runs, count):.2f} points better than it is, by chance alone."
        )


def _at_edges(board: Leaderboard, ranking: Ranking, best: Entry) -> Iterator[str]:
    for key in board.plan.keys:
        values = sorted(set(_numbers(ranking, key)))
        own = _number(best.values.get(key))
        if key == SEED or own is None or len(values) < A_RANGE:
            continue
        if own in (values[0], values[-1]):
            side, direction = ("smallest", "smaller") if own == values[0] else ("largest", "larger")
            yield (
                f"The best lies at the edge of the range of {key}: {own:g} is the {side} value "
                f"tried, and a {direction} one may be better."
            )


def _numbers(ranking: Ranking, key: str) -> list[float]:
    found = [_number(entry.values.get(key)) for entry in ranking.entries]
    return [value for value in found if value is not None]


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def mean_sd_n(percents: list[float]) -> str:
    """Format as ``90.71 ± 0.22 % (n=3)`` with the sample standard deviation."""
    spread = f" ± {stdev(percents):.2f}" if len(percents) > 1 else ""
    return f"{mean(percents):.2f}{spread} % (n={len(percents)})"
