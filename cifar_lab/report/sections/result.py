"""The first screen: what was run and what came out."""

from __future__ import annotations

from functools import partial
from statistics import median

from cifar_lab.analysis.intervals import wilson
from cifar_lab.analysis.predictions import balanced_accuracy, confusion, predicted_classes
from cifar_lab.analysis.scores import macro_f1, negative_log_likelihood, top_accuracy
from cifar_lab.nodes import ABSENT, PLACES
from cifar_lab.report import attempts
from cifar_lab.report.blocks import Block, Facts, Text
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.verdicts import verdicts
from cifar_lab.run.origin import Difference
from cifar_lab.run.provenance import Provenance
from cifar_lab.run.record import Run
from cifar_lab.wording import duration, percent, plural, several

#: Keys that say what a run is called and where its files are, not what was run.
UNNAMED = ("name", *PLACES)
#: How many differences the first screen lists.
NAMED = 5
#: Longest value, in characters, that the first screen gives in full.
LONGEST = 40
#: Among more classes than this, the accuracy of the five most probable ones is shown.
TOP_FIVE_FROM = 10
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


def first_screen(reading: Reading, report_seconds: float | None = None) -> list[Block]:
    """The results, what stands out, what they cost, and what differs from the defaults.

    Args:
        reading: the run as its report reads it.
        report_seconds: how long the report took to draw; None leaves it out.
    """
    run = reading.run
    texts = [_because(run), *([CLOSED] if run.summary.test is None else [])]
    texts.append(differences(run.provenance))
    return [
        Facts(results(run)),
        *attempts.blocks("What stands out", partial(verdicts, reading)),
        Facts(costs(run, report_seconds)),
        *map(Text, texts),
    ]


def _because(run: Run) -> str:
    """Which checkpoint the results are of, and how they were obtained."""
    summary = run.summary
    because = (
        f"All results are from the checkpoint of epoch {summary.reported_epoch}: "
        f"{summary.reported_because}. Intervals are 95 % Wilson intervals."
    )
    if _flips_averaged(run):
        because += (
            f" {summary.evaluated.capitalize()} results are with test-time flip averaging: the "
            "mean of the logits of each image and its mirror image"
        )
        because += "; the accuracy without it is shown beside them." if summary.test else "."
    return because


def differences(provenance: Provenance) -> str:
    """One sentence about what differs from the defaults."""
    if provenance.differences is None:
        return "Differences from the defaults were not yet recorded when this run was made."
    found = [d for d in provenance.differences if d.key not in UNNAMED]
    if not found:
        return "Nothing differs from the defaults."
    named = [f"{d.key} ({_change(d)})" for d in found[:NAMED]]
    if len(found) > NAMED:
        named.append(f"{len(found) - NAMED} more, marked in the configuration below")
    return f"Differs from the defaults in {several(named)}."


def _change(found: Difference) -> str:
    """Both values, or the one that there is."""
    if found.value == ABSENT:
        return f"{_short(found.default)} removed"
    if found.default == ABSENT:
        return f"{_short(found.value)} added"
    return f"{_short(found.default)} → {_short(found.value)}"


def _short(text: str) -> str:
    """Drop the arguments of a long call; the configuration shows them."""
    return text if len(text) <= LONGEST else text.partition("(")[0]


def _flips_averaged(run: Run) -> bool:
    """Whether the results are with test-time flip averaging."""
    summary, trainer = run.summary, run.config["trainer"]
    if summary.test is None:
        return bool(trainer["test_time_flips"])
    return summary.test_without_flips is not None


def results(run: Run) -> list[tuple[str, str]]:
    """How good the predictions are, by name."""
    summary = run.summary
    split, result, flips = summary.evaluated, summary.result, summary.test_without_flips
    interval = wilson(result.count - result.wrong, result.count)
    averaged = " with test-time flip averaging" * _flips_averaged(run)
    found = [
        (f"{split.capitalize()} accuracy{averaged}", percent(result.accuracy)),
        ("95 % interval", f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"),
    ]
    if flips:
        found.append(("Without flip averaging", percent(flips.accuracy)))
    if summary.test is not None and summary.validation is not None:
        found.append(("Validation accuracy", percent(summary.validation.accuracy)))
    return [
        *found,
        *_scores(run),
        (f"Misclassified {split} images", f"{result.wrong:,} of {result.count:,}"),
    ]


def _scores(run: Run) -> list[tuple[str, str]]:
    """Scores of the evaluated images beside the accuracy, without those that must equal it."""
    logits, labels = run.evaluated.logits, run.evaluated.labels
    matrix = confusion(labels, predicted_classes(logits), logits.shape[1])
    found = []
    if logits.shape[1] > TOP_FIVE_FROM:
        found.append(("Top-5 accuracy", percent(top_accuracy(logits, labels, 5))))
    counts = matrix.sum(axis=1)
    if (counts != counts[0]).any():
        found.append(("Balanced accuracy", percent(balanced_accuracy(matrix))))
    loss = negative_log_likelihood(logits, labels)
    return [
        *found,
        ("Macro F1", percent(macro_f1(matrix))),
        ("Negative log-likelihood", f"{loss:.4f} nats"),
    ]


def costs(run: Run, report_seconds: float | None = None) -> list[tuple[str, str]]:
    """The size of the model, its speed in training, and where the time went, by name."""
    summary = run.summary
    speeds = [row["images_per_second"] for row in run.metrics if "images_per_second" in row]
    found = [
        ("Parameters", f"{summary.parameters:,}"),
        ("Multiply-adds per image", f"{summary.multiply_adds / 1e6:,.1f} million"),
    ]
    if speeds:
        found.append(("Training images per second", f"{median(speeds):,.0f}"))
    return [*found, *_times(run, report_seconds)]


def _times(run: Run, report_seconds: float | None) -> list[tuple[str, str]]:
    """Seconds of training, of evaluation and of the report, as far as they are known."""
    summary, evaluation = run.summary, run.summary.evaluation_seconds
    if all("evaluation_seconds" in row for row in run.metrics):
        during = sum(row["evaluation_seconds"] for row in run.metrics)
        found = [
            ("Training time", duration(summary.training_seconds - during)),
            ("Evaluation time", duration(during + (evaluation or 0))),
        ]
    else:  # an older run
        found = [("Training time, with evaluation", duration(summary.training_seconds))]
        if evaluation is not None:
            found.append(("Final evaluation", duration(evaluation)))
    if report_seconds is not None:
        found.append(("Report time", duration(report_seconds)))
    return found
