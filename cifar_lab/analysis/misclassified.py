"""Choose the misclassified images that a report shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.predictions import (
    confused_pairs,
    confusion,
    correct,
    log_softmax,
    predicted_classes,
    softmax,
)

#: Rules by which :func:`chosen_errors` can choose.
Rule = Literal["most_confident", "highest_loss", "pair", "random"]
#: How the report states each rule, with ``{}`` for the split.
RULES: dict[Rule, str] = {
    "most_confident": "the misclassified {} images with the highest probability of the predicted "
    "class",
    "highest_loss": "the misclassified {} images with the lowest probability of the true class",
    "pair": "misclassified {} images of the most frequently confused pairs of classes, pair by "
    "pair, most confident first",
    "random": "drawn at random, with the run's seed, from all misclassified {} images",
}
assert get_args(Rule) == tuple(RULES)


@dataclass(frozen=True)
class Misclassified:
    """One wrong prediction.

    Attributes:
        row: row of the split's images.
        label: the true class.
        predicted: the class with the largest logit.
        predicted_probability: softmax probability of the predicted class.
        true_probability: softmax probability of the true class.
    """

    row: int
    label: int
    predicted: int
    predicted_probability: float
    true_probability: float


def rule_in_words(rule: Rule, split: str) -> str:
    """State a rule for the images of a split, e.g. ``test``."""
    return RULES[rule].format(split)


def chosen_errors(
    logits: NDArray[np.float32], labels: NDArray[np.int64], number: int, rule: Rule, seed: int
) -> list[Misclassified]:
    """Choose misclassified images from a whole split; ties keep the order of the rows.

    Args:
        logits: float32 ``(n, classes)``.
        labels: int64 ``(n,)``.
        number: maximum number of images.
        rule: how to choose.
        seed: random seed for the rule ``random``.
    """
    probabilities, predicted = softmax(logits), predicted_classes(logits)
    wrong = np.flatnonzero(~correct(logits, labels))
    confidence = probabilities[wrong, predicted[wrong]]
    if rule == "random":
        chosen = np.random.default_rng(seed).permutation(wrong)
    elif rule == "highest_loss":
        chosen = wrong[np.argsort(log_softmax(logits)[wrong, labels[wrong]], kind="stable")]
    elif rule == "pair":
        order = _pair_ranks(labels, predicted, logits.shape[1])[wrong]
        chosen = wrong[np.lexsort((-confidence, order))]
    else:
        chosen = wrong[np.argsort(-confidence, kind="stable")]
    return [
        Misclassified(
            row=int(row),
            label=int(labels[row]),
            predicted=int(predicted[row]),
            predicted_probability=float(probabilities[row, predicted[row]]),
            true_probability=float(probabilities[row, labels[row]]),
        )
        for row in chosen[:number]
    ]


def _pair_ranks(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Rank of each image's pair (true, predicted) among all confusions, by frequency."""
    matrix = confusion(labels, predicted, classes)
    ranks = np.full((classes, classes), classes * classes, dtype=np.int64)
    for rank, pair in enumerate(confused_pairs(matrix, classes * classes)):
        ranks[pair.label, pair.predicted] = rank
    return ranks[labels, predicted]
