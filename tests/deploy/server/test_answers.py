"""Answers say what the logits say."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from cifar_lab import __version__
from cifar_lab.deploy.server.answers import model, predictions, top_of
from cifar_lab.deploy.server.rejected import Rejected
from tests.deploy.bundles import DESCRIBED, USAGE

NAMES = ("ant", "bee", "cat")
#: Softmax of logarithms are the shares themselves.
LOGITS = np.log(np.asarray([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], dtype=np.float32))


def test_classes_are_listed_with_the_most_probable_first():
    first, second = predictions(LOGITS, np.asarray([True, False]), NAMES, 2)["predictions"]
    assert list(first["probabilities"]) == ["bee", "cat"]
    assert (first["predicted"], first["far"]) == ("bee", True)
    assert list(second["probabilities"]) == ["ant", "cat"]
    assert second["probabilities"] == pytest.approx({"ant": 0.6, "cat": 0.3})
    assert (second["predicted"], second["far"]) == ("ant", False)


def test_nothing_is_hinted_without_validation_images():
    assert predictions(LOGITS, None, NAMES, 1)["predictions"][0]["far"] is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_are_an_error(value):
    with pytest.raises(Rejected, match="not finite") as rejected:
        predictions(np.asarray([[0, value, 1]], dtype=np.float32), None, NAMES, 1)
    assert rejected.value.status == 500


def test_the_number_of_classes_is_at_most_five_unless_asked_for():
    assert (top_of({}, 3), top_of({}, 100), top_of({"top": "7"}, 10)) == (3, 5, 7)


@pytest.mark.parametrize("given", ["0", "4", "-1", "1.5", "", "one", "²", "9" * 5000, "1_0"])
def test_another_number_of_classes_is_refused(given):
    with pytest.raises(Rejected, match="must be a whole number from 1 to 3") as rejected:
        top_of({"top": given}, 3)
    assert rejected.value.status == 400
    assert len(rejected.value.message) < 200


def test_another_word_of_the_query_is_refused():
    with pytest.raises(Rejected, match="topk is unknown: the query may say top=K only"):
        top_of({"topk": "3"}, 3)


def test_the_model_is_described():
    found = json.loads(json.dumps(model(DESCRIBED)))
    assert (found["name"], found["run"], found["version"]) == ("insects", "0" * 32, __version__)
    assert found["classes"] == list(NAMES)
    assert found["preprocessing"]["mean"] == list(USAGE.mean)
    assert (found["preprocessing"]["height"], found["preprocessing"]["width"]) == (32, 32)
    assert found["figures"]["test"] == {"accuracy": 0.8, "loss": 0.4, "images": 50}
    assert found["far"]["validation_images"] == 20
    usage = dataclasses.replace(USAGE, energy_limit=None, energy_images=0)
    without = model(dataclasses.replace(DESCRIBED, usage=usage, test=None))
    assert (without["far"], without["figures"]["test"]) == (None, None)
