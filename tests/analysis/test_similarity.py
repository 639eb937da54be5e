"""Classes that are confused stand together."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.analysis.similarity import by_similarity


def test_classes_that_are_confused_become_neighbours():
    # Classes 0 and 3 are confused, and so are 1 and 4; 2 is confused with none.
    matrix = np.diag([8, 8, 10, 8, 8])
    for a, b in ((0, 3), (1, 4)):
        matrix[a, b] = matrix[b, a] = 2
    order = by_similarity(matrix)
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert abs(order.index(0) - order.index(3)) == abs(order.index(1) - order.index(4)) == 1


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_few_classes_and_classes_without_images_have_an_order(classes):
    assert sorted(by_similarity(np.zeros((classes, classes), np.int64))) == list(range(classes))
