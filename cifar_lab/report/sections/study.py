"""One published study compared with its recorded runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cifar_lab.analysis.spread import mean_and_deviation
from cifar_lab.nodes import described, type_name
from cifar_lab.report import attempts
from cifar_lab.report.blocks import Block, Code, Picture, Section, Table, Text
from cifar_lab.report.charts.study import classes, curves
from cifar_lab.report.figures.dots import dots
from cifar_lab.report.figures.study import small, study_curves
from cifar_lab.report.sections.trust import trust
from cifar_lab.results.recorded import told_apart
from cifar_lab.results.studies import Study, interval, mean_test_accuracy
from cifar_lab.run.record import Run
from cifar_lab.wording import duration, percent, plural, points


def study_section(study: Study) -> Section:
    """What was asked for, published and reached; curves, classes and maps; runs not counted."""
    blocks: list[Block] = [_reached(study), _table(study)]
    blocks += [Text(f"Error in the original: {fault}") for fault in study.facts["wrong"]]
    if study.whole:
        blocks += [*_curves(study), *_classes(study)]
    else:
        command = f"cifar-lab train experiments={study.name} dataset.root=DIR"
        blocks += [
            Text("To record a complete run:"),
            Code([command, "cifar-lab record latest"], language="sh"),
        ]
    return Section(study.facts["title"], [*blocks, *_maps(study), *_not_counted(study)])


def accuracy(group: Sequence[Run]) -> str:
    """Test accuracy as mean ± standard deviation over n runs."""
    return _over(group, lambda run: run.summary.opened.accuracy)


def bounds(group: Sequence[Run]) -> str:
    """The 95 % interval of their mean test accuracy."""
    found = interval(group)
    return f"{100 * found.low:.2f} to {100 * found.high:.2f} %"


def _over(group: Sequence[Run], value: Callable[[Run], float]) -> str:
    shares = [100 * value(run) for run in group]
    return f"{mean_and_deviation(shares, 2)} % (n={len(shares)})"


def _reached(study: Study) -> Text:
    facts, published = study.facts, study.facts["test_accuracy"]
    told = []
    for group in [*study.groups, *study.beside]:
        mean, name = mean_test_accuracy(group), group[0].summary.name
        told.append(
            f"{plural(len(group), 'run', 'runs')} {'' if name == study.name else f'of {name} '}on "
            f"{group[0].provenance.hardware} "
            f"{'reached' if mean >= published else 'did not reach'} the published test "
            f"accuracy of {percent(published)}: {percent(mean)} ({points(mean - published)})."
        )
        if mean < published:
            told.append(_how_sure(study, group))
    if not told:
        told.append(
            f"The published test accuracy is {percent(published)}; no complete run is recorded yet."
        )
    told += [f"{name} has no complete run yet." for name in study.unrun]
    if facts["target_accuracy"] is not None:
        told.append(f"The study's own target was {percent(facts['target_accuracy'])}.")
    return Text(" ".join(told))


def _how_sure(study: Study, group: Sequence[Run]) -> str:
    """Say whether runs that did not reach the published accuracy may still agree with it."""
    kind = "over seeds" if len(group) > 1 else "over the test images"
    inside = "contains" if study.within(group) else "does not contain"
    undecided = study.reached_by(group) == "undecided"
    return (
        f"The 95 % interval {kind}, {bounds(group)}, {inside} the published value"
        f"{'; with fewer than three seeds, this is undecided' if undecided else ''}."
    )


def _table(study: Study) -> Table:
    facts, asked, as_run = study.facts, study.facts["asked"], study.facts["as_run"]
    target = facts["target_accuracy"]
    of_test = [] if target is None else [f"target {percent(target)}"]
    asked = {
        "parameters": f"{facts['parameters']:,}",
        "epochs": str(facts["epochs"]),
        "batch": str(facts["batch_size"]),
        **asked,
        "test accuracy": "; ".join([*of_test, *filter(None, [asked.get("test accuracy")])]),
    }
    published = {
        "test accuracy": percent(facts["test_accuracy"]),
        "train accuracy": percent(facts["train_accuracy"]),
        **{key: f"as run: {value}" for key, value in as_run.items()},
    }
    groups = [*(study.groups or [[]]), *study.beside]
    rows = [
        [
            SHOWN.get(name, name),
            asked.get(name, "") or "–",
            published.get(name, "–"),
            *(ours(group) if group else "–" for group in groups),
        ]
        for name, ours in OURS.items()
    ]
    header = ("", "asked for", "published", *_headings(study))
    return Table(header, rows, text_columns=range(1, len(header)), wrapped=True, whole=True)


def _headings(study: Study) -> list[str]:
    """One column per group: ours, then other recipes by name."""
    names = told_apart([*study.groups, *study.beside])
    count = len(study.groups)
    ours = [f"ours{name.removeprefix(study.name)}" for name in names[:count]]
    return [*(ours or ["ours"]), *names[count:]]


def _setting(group: str) -> Callable[[Sequence[Run]], str]:
    """Describe the option of a group; what it leaves at null is left out."""

    def value(runs: Sequence[Run]) -> str:
        node = runs[0].config[group]
        return described({key: each for key, each in node.items() if each is not None})

    return value


def _schedule(runs: Sequence[Run]) -> str:
    """Describe the schedule; a momentum that it leaves as it is is left out."""
    node = runs[0].config["scheduler"]
    kept = node if node.get("cycle_momentum", True) else _without_momentum(node)
    return described({key: each for key, each in kept.items() if each is not None})


def _without_momentum(node: dict[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in node.items() if not key.endswith("_momentum")}


def _steps(runs: Sequence[Run]) -> str:
    steps = runs[0].config["augmentation"]["train"]
    return "; ".join(described(step) for step in steps.values()) or "none"


def _alike(value: Callable[[Run], str]) -> Callable[[Sequence[Run]], str]:
    """A value shared by all runs once, else each value in the order of the runs."""
    return lambda runs: "; ".join(dict.fromkeys(value(run) for run in runs))


def _best(run: Run) -> float | None:
    values = [row.get("test_accuracy") for row in run.metrics]
    return max((value for value in values if value is not None), default=None)


def _best_epoch(runs: Sequence[Run]) -> str:
    if any(_best(run) is None for run in runs):
        return "not evaluated"
    return _over(runs, lambda run: _best(run) or 0.0)


#: Row names that are not shown as ``published.json`` has them.
SHOWN = {"besides": "also"}
#: Each row's name, and how its cell is read from runs of one configuration.
OURS: dict[str, Callable[[Sequence[Run]], str]] = {
    "test accuracy": accuracy,
    "95 % interval": bounds,
    "best test epoch (optimistic, for comparison only)": _best_epoch,
    "train accuracy": lambda runs: _over(runs, lambda r: r.summary.final["train_accuracy"]),
    "model": _setting("model"),
    "parameters": _alike(lambda r: f"{r.summary.parameters:,}"),
    "epochs": _alike(lambda r: f"{r.summary.epochs_trained} of {r.summary.epochs_planned}"),
    "batch": _alike(lambda r: str(r.config["trainer"]["batch_size"])),
    "optimizer": _setting("optimizer"),
    "schedule": _schedule,
    "augmentation": _steps,
    "loss": _setting("criterion"),
    "figures": lambda _: "below; the full set is in each run's report.html",
    "besides": lambda _: "cifar-lab find-lr; model.txt, run.log and checkpoints in each run",
    "engine": lambda runs: type_name(runs[0].config["trainer"]),
    "seeds": _alike(lambda r: str(r.provenance.seed)),
    "training time": _alike(lambda r: duration(r.summary.training_seconds)),
    "hardware": _alike(lambda r: r.provenance.hardware),
    "commit": _alike(lambda r: r.provenance.commit.replace("`", "")),
    "command": lambda runs: runs[0].provenance.command,
}


def _curves(study: Study) -> list[Block]:
    runs, published = [run.metrics for run in study.whole], study.facts["test_accuracy"]
    last = ", ".join(f"{100 * run.summary.opened.accuracy:.2f} %" for run in study.whole)
    figure = Picture(
        f"{study.name}-curves",
        study_curves(runs, published),
        alt=f"Loss and accuracy of {plural(len(runs), 'run', 'runs')} over epochs; final test "
        f"accuracy {last}.",
        caption="Loss and accuracy after each epoch, averaged over images; of several runs, the "
        "mean with a band of ± 1 standard deviation (of two, from the lower to the higher). "
        "Training values are accumulated during the epoch, on augmented images; the test curve "
        "was not used to choose anything.",
    )
    return attempts.plot(curves(runs, published), figure)


def _classes(study: Study) -> list[Block]:
    runs = [run.summary.per_class for run in study.whole]
    if any([row.name for row in run] != [row.name for row in runs[0]] for run in runs):
        return [Text("Results per class are not shown: the runs name different classes.")]
    tested = [number for number, row in enumerate(runs[0]) if row.count]
    names = [runs[0][number].name for number in tested]
    shares = np.asarray([[run[number].recall for number in tested] for run in runs], dtype=float)
    shown = classes(names, shares)
    figure = Picture(
        f"{study.name}-classes",
        small(dots(shown)),
        alt=f"Test accuracy of each class; lowest: {names[int(shares.mean(axis=0).argmin())]}.",
        caption="Share of each class's test images that are predicted correctly: the mean over "
        "all runs and, of several, each run.",
    )
    # Each group has its own column, as in the table above: its hardware is another.
    groups = np.split(100 * shares, np.cumsum([len(group) for group in study.groups])[:-1])
    rows = [
        [name, *(mean_and_deviation(group[:, n].tolist(), 1) for group in groups)]
        for n, name in enumerate(names)
    ]
    titles = [
        f"{title}: test accuracy (%), n={len(group)}"
        for title, group in zip(_headings(study), groups, strict=False)
    ]
    table = Table(("class", *titles), rows, folded="All classes")
    return [*attempts.plot(shown, figure), table]


def _maps(study: Study) -> list[Block]:
    """How far maps can be trusted, of runs where it was measured, with what people noted."""
    counted = [run for group in (*study.groups, *study.beside) for run in group]
    blocks: list[Block] = []
    for run in (*counted, *(each.run for each in study.not_counted)):
        if (found := run.maps.trust) is None:
            continue
        which = "" if run in counted else ", which is not counted"
        blocks.append(Text(f"The maps of {_place(run)}{which}:"))
        blocks += trust(found)
        if run.labels.note:
            blocks.append(Text(" ".join(run.labels.note.split())))
    return blocks


def _place(run: Run) -> str:
    return "/".join(run.folder.path.parts[-2:])


def _not_counted(study: Study) -> list[Block]:
    if not study.not_counted:
        return []
    rows = [
        [
            _place(run),
            percent(run.summary.opened.accuracy),
            "; ".join(reasons),
        ]
        for run, reasons in study.not_counted
    ]
    return [
        Text("These runs are incomplete or differ from what was asked for, and are not counted:"),
        Table(("run", "test accuracy", "reason"), rows, text_columns=(2,), wrapped=True),
    ]
