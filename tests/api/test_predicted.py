"""Predictions as probabilities, names and the most probable classes."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.api.predicted import Predicted
from cifar_lab.refusal import Refusal

LOGITS = np.log(np.asarray([[0.2, 0.5, 0.3], [0.25, 0.25, 0.5]], np.float32))
FOUND = Predicted(LOGITS, ["ant", "bee", "cat"])


def test_probabilities_are_the_softmax_of_the_logits():
    assert FOUND.probabilities.dtype == np.float32
    np.testing.assert_allclose(FOUND.probabilities, np.exp(LOGITS), rtol=1e-6)


def test_labels_are_names():
    assert FOUND.labels == ["bee", "cat"]
    assert len(FOUND) == 2


def test_the_most_probable_classes_come_first_and_of_equal_ones_the_earlier():
    found = FOUND.top(2)
    assert [[name for name, _ in best] for best in found] == [["bee", "cat"], ["cat", "ant"]]
    assert [share for _, share in found[0]] == pytest.approx([0.5, 0.3])
    assert [len(best) for best in FOUND.top(10)] == [3, 3]


def test_a_number_of_classes_below_one_is_refused():
    with pytest.raises(Refusal, match=r"top\(0\): must be at least 1"):
        FOUND.top(0)


def test_a_notebook_shows_them_as_a_table():
    assert '<td style="text-align: left">bee (50.00 %)</td>' in FOUND._repr_html_()
    assert "cat (30.00 %)" in repr(FOUND)
