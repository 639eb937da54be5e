"""What the bundle of a run says and shows, gathered from the run and its images."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

from cifar_lab import __version__
from cifar_lab.analysis.misclassified import chosen_errors
from cifar_lab.analysis.predictions import correct, predicted_classes
from cifar_lab.assembly import Experiment
from cifar_lab.data.held_out import HeldOut, held_out
from cifar_lab.deploy.bundle import EXAMPLES, MISCLASSIFIED
from cifar_lab.deploy.card import NO_LICENCE, Facts, card
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.contents import Contents
from cifar_lab.deploy.description import (
    MOST_PIXELS,
    Architecture,
    Description,
    Module,
    Scores,
    Shown,
)
from cifar_lab.explain.layers import choose_layers
from cifar_lab.network import declared_by
from cifar_lab.recipe.architecture import architecture_of
from cifar_lab.recipe.classifying import usage_of
from cifar_lab.recipe.open import restore
from cifar_lab.refusal import Refusal
from cifar_lab.report.page import section_in_markdown
from cifar_lab.report.sections.robustness import in_short
from cifar_lab.run.folder import file_name
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Result, ValidationResult

log = logging.getLogger("cifar_lab")

#: Most classes of which an example is shown, and most misclassified images.
MOST_EXAMPLES, MOST_MISCLASSIFIED = 10, 40
#: Batches of images that are read at once.
BATCHES_AT_ONCE = 8


def contents_of_run(
    experiment: Experiment,
    run: Run,
    misclassified: int | None = None,
    licence: str | None = None,
) -> Contents:
    """Gather what the bundle of a run says and shows.

    Args:
        experiment: the run's experiment; the reported checkpoint's weights are loaded into it.
        run: a finished run.
        misclassified: most misclassified images to show; None for 40, or as many as fit.
        licence: identifier of the licence, for the model card; None if it is unknown.

    Raises:
        Refusal: with all that keeps the run from being exported.
    """
    assert run.summary  # reading it refuses an unfinished run
    most = _most_misclassified(run, misclassified)
    architecture, modules = architecture_of(run, experiment.config)
    restore(experiment, run)
    split = held_out(experiment.dataset, run.summary.evaluated)
    examples = _examples(run, split)
    wrong = chosen_errors(run.evaluated.logits, split.labels, most, "most_confident", 0)
    errors = [_shown(MISCLASSIFIED, n, each.row, run, split) for n, each in enumerate(wrong)]
    errors_by_row = zip((each.row for each in wrong), errors, strict=True)
    rows = {shown.file: row for row, shown in [*examples, *errors_by_row]}
    images = split.images(np.asarray(list(rows.values()), dtype=np.int64))
    described = _described(experiment, run, architecture, modules)
    described = replace(
        described,
        examples=tuple(shown for _, shown in examples),
        misclassified=tuple(errors),
        float32_changes=_float32_changes(experiment, run, split),
    )
    by_file = dict(zip(rows, images, strict=True))
    return Contents(described, by_file, card(described, facts(run, licence)))


def _most_misclassified(run: Run, asked: int | None) -> int:
    """Return how many misclassified images to show.

    Raises:
        Refusal: more are asked for, and exist, than a bundle may show.
    """
    height, width = run.data.image_size
    most = _room(run) - _example_count(run)
    if asked is None:
        return min(MOST_MISCLASSIFIED, most)
    wrong = int((~correct(run.evaluated.logits, run.evaluated.labels)).sum())
    if min(asked, wrong) > most:
        raise Refusal(
            f"--misclassified {asked}: a bundle may show {MOST_PIXELS:,} pixels in all, which are "
            f"{most:,} images of {width}×{height} pixels beside the examples; ask for at most "
            f"{most}"
        )
    return asked


def _room(run: Run) -> int:
    """Return how many images a bundle may show."""
    height, width = run.data.image_size
    return MOST_PIXELS // (height * width)


def _example_count(run: Run) -> int:
    return min(MOST_EXAMPLES, len(np.unique(run.evaluated.labels)), _room(run))


def _described(
    experiment: Experiment,
    run: Run,
    architecture: Architecture,
    modules: tuple[Module, ...],
) -> Description:
    """Describe a run's network, without images."""
    summary, model, evaluated = run.summary, experiment.learner.model, run.evaluated
    declared = declared_by(model).explainable_layers or choose_layers(
        model, run.data.image_size, None
    )
    return Description(
        name=summary.name,
        run=run.id,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        made_with=__version__,
        architecture=architecture,
        usage=usage_of(run, experiment.config),
        layers=tuple(declared),
        parameters=summary.parameters,
        validation=_scores(summary.validation, run.data.split_sizes["val"]),
        test=_scores(summary.test, run.data.split_sizes["test"]),
        evaluated=summary.evaluated,
        examples=(),
        misclassified=(),
        misclassified_total=int((~correct(evaluated.logits, evaluated.labels)).sum()),
        float32_changes=None,
        modules=modules,
    )


def _scores(result: Result | ValidationResult | None, images: int) -> Scores | None:
    """Return a result on a split of so many images, whose number older runs do not repeat."""
    if result is None:
        return None
    loss = float(result.loss)
    count = images if result.count is None else result.count
    return Scores(result.accuracy, loss if np.isfinite(loss) else None, count)


def _examples(run: Run, split: HeldOut) -> list[tuple[int, Shown]]:
    """Choose an image of each of at most ten classes, a correctly classified one if there is."""
    labels, predicted = split.labels, predicted_classes(run.evaluated.logits)
    classes = np.unique(labels)
    count = _example_count(run)
    if len(classes) > count:
        classes = classes[np.linspace(0, len(classes) - 1, count).astype(int)]
    draw = np.random.default_rng(0)
    chosen = []
    for number, label in enumerate(classes):
        of_class = np.flatnonzero(labels == label)
        right = of_class[predicted[of_class] == label]
        row = int(draw.choice(right if len(right) else of_class))
        chosen.append((row, _shown(EXAMPLES, number, row, run, split)))
    return chosen


def _shown(folder: str, number: int, row: int, run: Run, split: HeldOut) -> Shown:
    label = int(split.labels[row])
    return Shown(
        file=f"{folder}/{number:02d}-{file_name(split.class_names[label])}.png",
        sample_id=str(split.sample_ids[row]),
        label=label,
        predicted=int(run.evaluated.logits[row].argmax()),
    )


def facts(run: Run, licence: str | None) -> Facts:
    """Return what the model card says of a run beside what is in bundle.json."""
    summary, provenance = run.summary, run.provenance
    return Facts(
        dataset=summary.dataset,
        images=run.data.split_sizes["train"],
        model=summary.model,
        epochs=summary.epochs_trained,
        command=provenance.command,
        hardware=provenance.hardware,
        commit=None if provenance.git is None else provenance.commit,
        recalls=[(each.name, each.recall) for each in summary.per_class],
        robustness=_harder_images(run),
        licence=licence or NO_LICENCE,
    )


def _harder_images(run: Run) -> list[str]:
    """The card's section on corrupted and other test images; empty without any."""
    if run.robustness is None or run.summary.test is None:
        return []
    return section_in_markdown(in_short(run.robustness)).strip().splitlines()


def logits_of(classifier: Classifier, split: HeldOut) -> NDArray[np.float32]:
    """Compute the logits of a whole split in batches of the evaluation."""
    step = classifier.usage.batch_size * BATCHES_AT_ONCE
    parts = [
        classifier.logits(split.images(np.arange(first, min(first + step, len(split)))))
        for first in range(0, len(split), step)
    ]
    return np.concatenate(parts)


def _float32_changes(experiment: Experiment, run: Run, split: HeldOut) -> float | None:
    """Return the share of predictions that are different in float32; None if it was used."""
    usage = usage_of(run, experiment.config)
    if usage.precision == "float32":
        return None
    log.info(f"classifying the {len(split):,} {split.name} images in float32, for the model card")
    in_float32 = Classifier(experiment.learner.model, replace(usage, precision="float32"))
    again = predicted_classes(logits_of(in_float32, split))
    return float((again != predicted_classes(run.evaluated.logits)).mean())
