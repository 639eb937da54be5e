"""``explain``: attribution maps of chosen images, and how far they can be trusted."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_lab.analysis.predictions import predicted_classes
from cifar_lab.assembly import Experiment
from cifar_lab.data.held_out import held_out
from cifar_lab.explain.layers import unfit_layers
from cifar_lab.explain.targets import TARGETS, Targets
from cifar_lab.recipe.open import refuse_other_predictions, restore
from cifar_lab.refusal import Refusal
from cifar_lab.run.drawn import write_drawn
from cifar_lab.run.files import object_text, packed
from cifar_lab.run.record import Run
from cifar_lab.run.trust import OrderScore, Trust
from cifar_lab.wording import several

log = logging.getLogger("cifar_lab")

#: Number of images to measure trust on, and the fixed seed that draws them.
TRUST_IMAGES, TRUST_SEED = 512, 0
#: Stands for a layer if the model has none whose output is a feature map.
NO_LAYER = ""


def explain(
    experiment: Experiment,
    run: Run,
    ids: Sequence[str],
    layers: Sequence[str],
    methods: Sequence[str],
    targets: Sequence[str],
) -> list[str]:
    """Draw every combination of layer, method and target side by side, and save the maps.

    Args:
        experiment: the run's experiment; the reported checkpoint's weights are loaded into it.
        run: a finished run.
        ids: sample ids of images of the split that was evaluated; if empty, those of the
            report's gallery.
        layers: module names; if empty, the report's layers.
        methods: names from ``METHODS``; if empty, GradCAM or, at layers where it is unfaithful,
            HiResCAM and GradCAM.
        targets: names from ``TARGETS``; if empty, all of them.

    Returns:
        Lines of text with the results and the paths of the figures.

    Raises:
        Refusal: with all unknown names, and all methods that do not suit the model.
    """
    from cifar_lab.recipe.explanation import Question, answer, rows_of

    restore(experiment, run)
    split = held_out(experiment.dataset, run.summary.evaluated)
    layers = layers or experiment.gradcam_layers or [NO_LAYER]
    targets = targets or TARGETS
    folder, logits = run.folder, run.evaluated.logits
    rows, unknown = rows_of(ids, split, logits, experiment.report, experiment.seed)
    if problems := [*_problems(experiment, layers, methods, targets), *unknown]:
        raise Refusal(problems)
    refuse_other_predictions(experiment, run, rows)
    methods = methods or _faithful(experiment, run, layers, rows)
    command = _command(folder.path, ids, layers, methods, targets)
    question = Question(rows, layers, methods, targets, command)
    found = answer(question, experiment.learner.model, experiment.normalise, split, logits)
    run.files.write({folder.attributions(name): packed(a) for name, a in found.arrays.items()})
    write_drawn(run.files, question.name, found.figures)
    return [
        *found.lines,
        *(f"figure: {folder.figure(figure.name)}" for figure, _ in found.figures),
        _adds(run, len(found.figures)),
    ]


def measure_trust(experiment: Experiment, run: Run, methods: Sequence[str]) -> list[str]:
    """Measure deletion, insertion and weight randomisation of maps, for the report.

    Args:
        experiment: the run's experiment; the reported checkpoint's weights are loaded into it.
        run: a finished run.
        methods: a name from ``METHODS``; if empty, GradCAM or, where it is unfaithful, HiResCAM
            with GradCAM beside it.

    Raises:
        Refusal: the method is unknown, or does not suit the model.
    """
    from cifar_lab.report.sections.trust import named

    layer = next(iter(experiment.gradcam_layers), NO_LAYER)
    if problems := _problems(experiment, [layer], methods):
        raise Refusal(problems)
    restore(experiment, run)
    split = held_out(experiment.dataset, run.summary.evaluated)
    rows = np.sort(np.random.default_rng(TRUST_SEED).permutation(len(split))[:TRUST_IMAGES])
    refuse_other_predictions(experiment, run, rows)
    methods = methods or _faithful(experiment, run, [layer], rows)
    log.info(
        f"{several([named(method) for method in methods])} at {layer} on {len(rows)} {split.name} "
        "images; this takes minutes on a CPU"
    )
    result = _trust(experiment, run, rows, methods, layer)
    run.files.write({run.folder.trust: object_text(result)})
    return [*_told(result), f"saved to {run.folder.trust}; {_adds(run, 1)}"]


def _trust(
    experiment: Experiment,
    run: Run,
    rows: NDArray[np.int64],
    methods: Sequence[str],
    layer: str,
) -> Trust:
    """Score the maps of each method and the baselines; randomise for the first method."""
    from cifar_lab.explain.attribution import attribute
    from cifar_lab.explain.trust import baselines, randomisation, scores

    model, (images, targets) = experiment.learner.model, _predicted(experiment, run, rows)
    maps = {method: attribute(model, method, layer, images, targets) for method in methods}
    first = methods[0]
    orders = {**maps, **baselines(images, (maps[first].shape[1], maps[first].shape[2]))}
    found = scores(model, images, targets.first, orders)
    return Trust(
        method=first,
        layer=layer,
        split=run.summary.evaluated,
        images=len(rows),
        orders=tuple(OrderScore(name, **vars(each)) for name, each in found.items()),
        randomised=randomisation(
            model, maps[first], lambda other: attribute(other, first, layer, images, targets)
        ),
    )


def _told(result: Trust) -> list[str]:
    from cifar_lab.report.sections.trust import concluded

    return [
        *(
            f"{each.order:<22} deletion {each.deletion:.3f} ± {each.deletion_error:.3f}   "
            f"insertion {each.insertion:.3f} ± {each.insertion_error:.3f}"
            for each in result.orders
        ),
        f"rank correlation with maps from random weights: {result.randomised:.3f}",
        f"verdict: {concluded(result)[1]}",
    ]


def _adds(run: Run, count: int) -> str:
    """The command that adds what was made to the report."""
    return (
        f"`cifar-lab report {run.folder.path}` adds {'it' if count == 1 else 'them'} to the report"
    )


def _command(
    run: Path,
    ids: Sequence[str],
    layers: Sequence[str],
    methods: Sequence[str],
    targets: Sequence[str],
) -> str:
    """The command that asks the same again, with all that it found by itself."""
    flags = {"--ids": ids, "--layer": layers, "--method": methods, "--target": targets}
    given = [
        word for flag, names in flags.items() if any(names) for word in (flag, ",".join(names))
    ]
    return shlex.join(["cifar-lab", "explain", str(run), *given])


def _faithful(
    experiment: Experiment, run: Run, layers: Sequence[str], rows: NDArray[np.int64]
) -> tuple[str, ...]:
    """GradCAM if it agrees with HiResCAM at every layer, else HiResCAM and GradCAM."""
    from cifar_lab.explain.cams import agreement, class_activation_maps, leading

    model, (images, targets) = experiment.learner.model, _predicted(experiment, run, rows)
    found = [class_activation_maps(model, layer, images, targets) for layer in layers]
    return leading(min(agreement(each.gradcam, each.hirescam) for each in found))


def _predicted(experiment: Experiment, run: Run, rows: NDArray[np.int64]) -> tuple[Tensor, Targets]:
    """The images, normalised, and the classes that were predicted, as targets."""
    split = held_out(experiment.dataset, run.summary.evaluated)
    images = experiment.normalise(torch.from_numpy(split.images(rows)))
    classes = torch.from_numpy(predicted_classes(run.evaluated.logits[rows])).to(images.device)
    return images, Targets.named("predicted", classes, classes)


def _problems(
    experiment: Experiment,
    layers: Sequence[str],
    methods: Sequence[str],
    targets: Sequence[str] = (),
) -> list[str]:
    """Unknown methods and targets, and layers that do not suit the model."""
    from cifar_lab.explain.attribution import METHODS

    return [
        *_unknown("method", methods, METHODS),
        *_unknown("target", targets, TARGETS),
        *_wrong_layers(experiment, layers, methods or ["gradcam"]),
    ]


def _unknown(flag: str, names: Sequence[str], allowed: Collection[str]) -> list[str]:
    return [
        f"--{flag} {name}: must be one of {', '.join(allowed)}"
        for name in names
        if name not in allowed
    ]


def _wrong_layers(
    experiment: Experiment, layers: Sequence[str], methods: Sequence[str]
) -> list[str]:
    """Return the problems of the layers, if any method uses a layer."""
    from cifar_lab.explain.attribution import WITHOUT_LAYER

    if set(methods) <= set(WITHOUT_LAYER):
        return []
    model = experiment.learner.model
    if list(layers) == [NO_LAYER]:
        return [
            f"{type(model).__name__} has no layer whose output is a feature map; use --method "
            f"{' or '.join(WITHOUT_LAYER)}, which need none"
        ]
    unfit = unfit_layers(model, experiment.dataset.image_size, layers)
    return [f"--layer {name}: {reason}" for name, _, reason in unfit]
