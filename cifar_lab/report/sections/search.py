"""How a search went: its trials in their order, what mattered, and how much the best flatters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.figures.history import importances, search_history
from cifar_lab.results.plan import Plan, read_plan
from cifar_lab.results.rows import read_rows
from cifar_lab.results.search import Search, read_importances
from cifar_lab.results.trials import Flattery, Trial, best, flattery, trials
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import plural, several

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
        _history(plan, found),
        _space(plan, plan.search, found),
        *_importances(folder),
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


def _history(plan: Plan, found: Sequence[Trial]) -> Block:
    accuracy = plan.objective == "val_accuracy"
    label = "validation accuracy (%)" if accuracy else "validation loss (nats), negative"
    scale = 100 if accuracy else -1
    values = [None if each.value is None else scale * each.value for each in found]
    return picture(
        "search_history",
        lambda: search_history(values, [each.state for each in found], label),
        "The result of each trial, and the best so far",
        "The result of each trial in the order in which they were chosen, and the best so far.",
    )


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
    return [
        picture(
            "search_importances",
            lambda: importances(list(found.shares), list(found.shares.values())),
            "Importance of each key",
            PED_ANOVA.format(method=found.method, trials=count),
            "natural",
        )
    ]


def _flattering(found: Flattery) -> str:
    return (
        f"The best of {found.trials} trials was chosen by the number that is reported, which makes "
        f"it look better than it is. By chance, accuracies on {found.images:,} validation images "
        f"deviate by {100 * found.deviation:.2f} points: the best of {found.trials} equally good "
        f"configurations is expected to look up to {100 * found.points:.2f} points better than it "
        "is, and differences between seeds add to that. `cifar-lab confirm` tells how good it is."
    )
