"""How a search went: its trials in their order, what mattered, and how much the best flatters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.charts.dots import Dots
from cifar_lab.report.charts.effects import importances
from cifar_lab.report.charts.plot import Axis, Plot
from cifar_lab.report.charts.search import by_level, by_number, history, numbers_of
from cifar_lab.report.figures.dots import dots
from cifar_lab.report.figures.history import search_history
from cifar_lab.report.figures.plots import alone
from cifar_lab.results.plan import Plan, read_plan
from cifar_lab.results.rows import read_rows
from cifar_lab.results.search import Search, read_importances
from cifar_lab.results.trials import Flattery, Trial, best, flattery, trials
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import percent, plural, several

#: Most searched keys whose results are drawn.
KEYS = 8
#: The samplers in words.
SAMPLERS = {
    "tpe": "a tree-structured Parzen estimator",
    "gp": "a Gaussian process",
    "random": "random numbers",
}
#: The method of the importances in words.
PED_ANOVA = (
    "How much each key explains of the difference between good trials and the others, by {method} "
    "from {trials}. It says where to look, not what is best; from few trials, it is rough."
)


def search(folder: SweepFolder) -> Section | None:
    """Make the section; None for sweeps of any other kind, and before the first trial.

    Args:
        folder: of the sweep.
    """
    plan = read_plan(folder)
    if plan.search is None or not plan.search.chosen:
        return None
    found = trials(plan, read_rows(folder))
    blocks: list[Block] = [
        Text(_told(plan.search, found)),
        *_history(plan, found),
        _space(plan, plan.search, found),
        *_importances(folder),
        *_by_key(plan, plan.search.space, found),
    ]
    flattering = flattery(folder, found) if plan.objective == "val_accuracy" else None
    if flattering is not None and flattering.trials > 1:
        blocks.append(Text(_flattering(flattering)))
    return Section("Search", blocks)


def _told(search: Search, found: Sequence[Trial]) -> str:
    options, states = search.options, Counter(each.state for each in found)
    counts = [f"{count} {state}" for state, count in states.items()]
    refused = [each for each in search.jobless if each.problem is not None]
    repeated = [each for each in search.jobless if each.repeats is not None]
    told = (
        f"{len(found)} of {plural(options.trials, 'trial', 'trials')}, chosen by "
        f"{SAMPLERS[options.sampler]} ({search.library}, seed {options.seed}): {several(counts)}."
    )
    if options.pruner is not None:
        told += (
            " A trial is pruned if its best result is worse than the median of "
            f"{options.prune_after_trials} or more finished trials at the same epoch, not before "
            f"epoch {options.prune_after_epochs + 1}."
        )
    if repeated:
        told += (
            f" {plural(len(repeated), 'trial repeats an', 'trials repeat')} earlier "
            f"{'one' if len(repeated) == 1 else 'ones'} and did not run again."
        )
    if refused:
        told += f" Refused was {several([f'trial {e.trial} ({e.problem})' for e in refused])}."
    return told


def _results(plan: Plan, found: Sequence[Trial]) -> tuple[Axis, list[float | None]]:
    """The results of trials with their axis; the higher, the better."""
    if plan.objective == "val_accuracy":
        axis = Axis(label="validation accuracy (%)", low=0, high=100, digits=".2f")
        return axis, [None if each.value is None else 100 * each.value for each in found]
    axis = Axis(label="validation loss (nats), negative", high=0, digits=".4f")
    return axis, [None if each.value is None else -each.value for each in found]


def _history(plan: Plan, found: Sequence[Trial]) -> list[Block]:
    axis, values = _results(plan, found)
    states = [each.state for each in found]
    figure = picture(
        "search_history",
        lambda: search_history(values, states, axis.label),
        f"The result of each trial, and the best so far. {_told_of_best(plan, found)}",
        "The result of each trial in the order in which they were chosen, and the best so far; "
        "trials that were not trained to their end lie at the bottom.",
    )
    return [*attempts.plot(history(values, states, axis), figure),
            Text(_told_of_best(plan, found))]  # fmt: skip


def _told_of_best(plan: Plan, found: Sequence[Trial]) -> str:
    top = best(found, plan.objective)
    if top is None or top.value is None:
        return "No trial was trained to its end."
    accuracy = plan.objective == "val_accuracy"
    result = percent(top.value) if accuracy else f"{top.value:.4f} nats"
    return (
        f"The best of {plural(len(found), 'trial', 'trials')} is trial {top.number} with a "
        f"validation {'accuracy' if accuracy else 'loss'} of {result}."
    )


def _by_key(plan: Plan, space: Iterable[str], found: Sequence[Trial]) -> list[Block]:
    """The results against each searched key; only trials that were trained to their end."""
    axis, values = _results(plan, found)
    ended = [
        (each.number, value, each.job.values)
        for each, value in zip(found, values, strict=True)
        if each.state == "done" and each.job is not None and value is not None
    ]
    blocks: list[Block] = []
    for number, key in enumerate([key.lstrip("+") for key in space][:KEYS], start=1):
        of_key = [(trial, value, chosen[key]) for trial, value, chosen in ended if key in chosen]
        if len({chosen for _, _, chosen in of_key}) > 1:
            trials, results, chosen = zip(*of_key, strict=True)
            blocks += _against(key, number, chosen, results, trials, axis)
    return blocks


def _against(
    key: str,
    number: int,
    chosen: Sequence[str],
    results: Sequence[float],
    trials: Sequence[int],
    axis: Axis,
) -> list[Block]:
    numbers = numbers_of(chosen)
    shown: Plot | Dots
    if numbers is None:
        shown = rows = by_level(key, chosen, results, trials, axis)
        draw = partial(dots, rows)
    else:
        shown = curve = by_number(key, numbers, results, trials, axis)
        draw = partial(alone, curve)
    top = max(range(len(results)), key=lambda n: results[n])
    told = f"The best trial has {key}={chosen[top]}."
    name = f"search_key_{number}"
    caption = f"Results of the trials by {key}, whatever their other keys were. {told}"
    return attempts.plot(shown, picture(name, draw, f"Results by {key}. {told}", caption))


def _space(plan: Plan, search: Search, found: Sequence[Trial]) -> Table:
    top = best(found, plan.objective)
    values = {} if top is None or top.job is None else top.job.values
    heading = "best trial" if top is None else f"trial {top.number}, the best"
    rows = [[key, text, values.get(key.lstrip("+"), "–")] for key, text in search.space.items()]
    return Table(("key", "searched", heading), rows, (1, 2))


def _importances(folder: SweepFolder) -> list[Block]:
    found = read_importances(folder)
    if found is None:
        return []
    count = plural(found.trials, "finished trial", "finished trials")
    shares = sorted(found.shares.items(), key=lambda each: -each[1])
    shown = importances(shares)
    told = several([f"{key} ({100 * share:.0f} %)" for key, share in shares])
    figure = picture(
        "search_importances",
        lambda: dots(shown),
        f"Importance of each key: {told}.",
        PED_ANOVA.format(method=found.method, trials=count),
    )
    return [*attempts.plot(shown, figure), Text(f"Importance of each key: {told}.")]


def _flattering(found: Flattery) -> str:
    return (
        f"The best of {found.trials} trials was chosen by the number that is reported, which makes "
        f"it look better than it is. By chance, accuracies on {found.images:,} validation images "
        f"deviate by {100 * found.deviation:.2f} points: the best of {found.trials} equally good "
        f"configurations is expected to look up to {100 * found.points:.2f} points better than it "
        "is, and differences between seeds add to that. `cifar-lab confirm` tells how good it is."
    )
