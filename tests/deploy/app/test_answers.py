"""Answers are those of the classifier, whoever asks at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cifar_lab.analysis.predictions import softmax
from cifar_lab.deploy.app.answers import Look
from cifar_lab.deploy.opening import open_bundle
from cifar_lab.refusal import Refusal
from tests.deploy.app.networks import answers_of, bundle, noise

LOOK = Look("layer1", None, 0.5, True)


@pytest.fixture
def of(tmp_path):
    return bundle(tmp_path / "bundle")


def test_probabilities_are_those_of_the_classifier(of):
    answers, alone = answers_of(of), open_bundle(of)
    pixels = noise(5, 32, 32)
    found = answers.answer(pixels, None)
    logits = alone.logits(pixels[None])
    order = np.argsort(-logits[0])
    assert [each.label for each in found.ranked] == order.tolist()
    assert [each.name for each in found.ranked] == [answers.usage.class_names[n] for n in order]
    assert [each.probability for each in found.ranked] == softmax(logits)[0, order].tolist()
    assert found.explained is None
    assert found.far == alone.far(logits)[0]


@pytest.mark.parametrize("target", [None, 0, 1, 2])
def test_maps_are_those_of_the_classifier(of, target):
    answers, alone = answers_of(of), open_bundle(of)
    pixels = noise(6, 32, 32)
    found = answers.answer(pixels, Look("layer1", target, 0.5, True)).explained
    maps = alone.maps(pixels[None], None, "layer1", target)
    np.testing.assert_array_equal(found.map_, maps.maps[0])
    assert (found.method, found.layer, found.target) == (maps.method, "layer1", maps.classes[0])
    assert found.note == maps.notes[0]


def test_what_does_not_exist_is_refused(of):
    answers = answers_of(of)
    for look in (Look("layer9", None, 0.5, True), Look("layer1", 3, 0.5, True)):
        with pytest.raises(Refusal, match="no such"):
            answers.answer(noise(7, 32, 32), look)
    with pytest.raises(Refusal, match="layer9"):
        answers.mistakes(2, "layer9")


def test_layers_begin_with_the_usual_one(of):
    answers = answers_of(of)
    assert answers.usual_layer in answers.layers
    assert set(answers.layers) >= {"layer1", "layer3"}


def test_threads_get_the_answers_to_their_own_images(of):
    """With maps, whose hooks would meet in the network if threads did not take turns."""
    answers, alone = answers_of(of), answers_of(of)
    images = [noise(n, 32, 32) for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda pixels: answers.answer(pixels, LOOK), images))
    for pixels, each in zip(images, found, strict=True):
        expected = alone.answer(pixels, LOOK)
        assert each.ranked == expected.ranked
        np.testing.assert_array_equal(each.explained.map_, expected.explained.map_)


def test_mistakes_are_in_the_order_of_the_bundle(of):
    answers = answers_of(of)
    found = answers.mistakes(3, None)
    assert [each.shown.sample_id for each in found] == ["m<b>0", "m<b>1", "m<b>2"]
    assert all(each.explained is None for each in found)
    for each in found:
        alone = answers.answer(each.pixels, None).ranked[0].probability
        assert each.probability == pytest.approx(alone, abs=1e-4)  # in another batch


def test_mistakes_have_the_maps_of_their_predicted_classes(of):
    answers = answers_of(of)
    for each in answers.mistakes(10, "layer1"):
        expected = answers.answer(each.pixels, LOOK).explained
        np.testing.assert_allclose(each.explained.map_, expected.map_, rtol=1e-4, atol=1e-6)
        assert each.explained.target == expected.target


def test_a_bundle_without_mistakes(tmp_path):
    assert answers_of(bundle(tmp_path / "bundle", mistakes=0)).mistakes(5, "layer1") == []
