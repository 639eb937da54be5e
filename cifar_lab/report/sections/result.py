"""The first screen: what was run and what came out."""

from __future__ import annotations

from cifar_lab.analysis.intervals import wilson
from cifar_lab.analysis.predictions import balanced_accuracy, confusion, predicted_classes
from cifar_lab.nodes import PLACES
from cifar_lab.report.blocks import Block, Facts, Text
from cifar_lab.report.reading import Reading
from cifar_lab.run.provenance import Provenance
from cifar_lab.run.record import Run
from cifar_lab.wording import duration, percent, plural, several, with_interval

#: Keys that say what a run is called and where its files are, not what was run.
UNNAMED = ("name", *PLACES)
#: How many differences the first screen lists.
NAMED = 5
#: Longest value, in characters, that the first screen gives in full.
LONGEST = 40
CLOSED = "The test set stays closed: it was not evaluated; `cifar-lab eval RUN` adds it."


def lead(run: Run) -> str:
    """What was trained, on which data and device."""
    summary, made_with = run.summary, run.provenance
    epochs = plural(summary.epochs_planned, "epoch", "epochs")
    text = (
        f"{summary.model} on {summary.dataset}, trained for {summary.epochs_trained:,} of {epochs} "
        f"on {made_with.device_name} in {made_with.precision}."
    )
    return text + (f" Stopped early: {summary.stopped}." if summary.stopped else "")


def first_screen(reading: Reading) -> list[Block]:
    """The key results, the checkpoint they are from, and what differs from the defaults."""
    summary, split = reading.run.summary, reading.evaluated.name
    because = (
        f"All results are from the checkpoint of epoch {summary.reported_epoch}: "
        f"{summary.reported_because}. Intervals are 95 % Wilson intervals."
    )
    if _flips_averaged(reading.run):
        because += (
            f" {split.capitalize()} results are with test-time flip averaging: the mean of the "
            "logits of each image and its mirror image"
        )
        because += "; the accuracy without it is shown beside them." if summary.test else "."
    texts = [because, *([CLOSED] if summary.test is None else [])]
    texts.append(differences(reading.run.provenance))
    return [Facts(facts(reading.run)), *map(Text, texts)]


def differences(provenance: Provenance) -> str:
    """One sentence about what differs from the defaults."""
    if provenance.differences is None:
        return "Differences from the defaults were not yet recorded when this run was made."
    found = [d for d in provenance.differences if d.key not in UNNAMED]
    if not found:
        return "Nothing differs from the defaults."
    named = [f"{d.key} ({_short(d.default)} → {_short(d.value)})" for d in found[:NAMED]]
    if len(found) > NAMED:
        named.append(f"{len(found) - NAMED} more, marked in the configuration below")
    return f"Differs from the defaults in {several(named)}."


def _short(text: str) -> str:
    """Drop the arguments of a long call; the configuration shows them."""
    return text if len(text) <= LONGEST else text.partition("(")[0]


def _flips_averaged(run: Run) -> bool:
    """Whether the results are with test-time flip averaging."""
    summary, trainer = run.summary, run.config["trainer"]
    if summary.test is None:
        return bool(trainer["test_time_flips"])
    return summary.test_without_flips is not None


def _balanced(run: Run) -> list[tuple[str, str]]:
    """Balanced accuracy; nothing where classes are equally large, so that it is the accuracy."""
    labels, logits = run.evaluated.labels, run.evaluated.logits
    matrix = confusion(labels, predicted_classes(logits), logits.shape[1])
    counts = matrix.sum(axis=1)
    if (counts == counts[0]).all():
        return []
    return [("Balanced accuracy", percent(balanced_accuracy(matrix)))]


def facts(run: Run) -> list[tuple[str, str]]:
    """The key results by name."""
    summary, split = run.summary, run.summary.evaluated
    result, flips = summary.result, summary.test_without_flips
    count, right = result.count, result.count - result.wrong
    averaged = " with test-time flip averaging" * _flips_averaged(run)
    found = [
        (f"{split.capitalize()} accuracy{averaged}", percent(result.accuracy)),
        ("95 % interval", with_interval(wilson(right, count)).partition("(")[2].rstrip(")") + " %"),
    ]
    found += _balanced(run)
    if flips:
        found.append(("Without flip averaging", percent(flips.accuracy)))
    if summary.test is not None and summary.validation is not None:
        found.append(("Validation accuracy", percent(summary.validation.accuracy)))
    return [
        *found,
        (f"Misclassified {split} images", f"{result.wrong:,} of {count:,}"),
        ("Parameters", f"{summary.parameters:,}"),
        ("Multiply-adds", f"{summary.multiply_adds / 1e6:,.1f} million"),
        ("Training time", duration(summary.training_seconds)),
    ]
